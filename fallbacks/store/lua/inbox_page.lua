-- A page of what waits for people.
-- ARGV: prefix, '', what is wanted (JSON, see `inbox_items`), how many to pass over, how many at most, how many more to count;
--   '1' for the scores, too.
-- Returns how many match, as far as they were counted, ids, and by what each is ranked (ms) where that is asked for.
local q, first, many, more = inbox_narrowed(cjson.decode(ARGV[3])), whole(ARGV[4]), whole(ARGV[5]), whole(ARGV[6])
local lists, total, ids = q.among or {q.all[1] or 'inbox'}, 0, {}
local alone = #q.all + (q.among and 1 or 0) <= 1
local function counted() -- how many match, where nothing but indexes says it
  if #q.none > 0 or q.any or q.asleep ~= nil or q.due_in or q.waited then return nil end
  if alone then return select(2, inbox_sized(lists)) end
  local keys, sum = {}, 0
  for _, index in ipairs(q.all) do keys[#keys + 1] = P .. index end
  for _, index in ipairs(lists) do
    local members = redis.pcall('ZINTERCARD', #keys + 1, P .. index, unpack(keys)) -- not before Redis 7
    if type(members) ~= 'number' then return nil end
    sum = sum + members
  end
  return sum
end
local all, index = counted(), lists[1]
if all and alone and not q.among and q.by == 'due' and many > 0 then
  ids = redis.call(q.desc and 'ZREVRANGE' or 'ZRANGE', P .. index, first, first + many - 1)
  return {all, ids, ARGV[7] and inbox_scores(q, ids)}
end
inbox_items(q, function(id)
  total = total + 1
  if total > first and #ids < many then ids[#ids + 1] = id end
  return total >= first + many + (all and 0 or more)
end)
return {all or total, ids, ARGV[7] and inbox_scores(q, ids)}
