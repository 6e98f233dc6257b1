-- A page of what waits for people.
-- ARGV: prefix, '', what is wanted (JSON, see `inbox_items`), how many to pass over, how many at most, how many more to count;
--   '1' for the scores, too.
-- Returns how many match, as far as they were counted, ids, and by what each is ranked (ms) where that is asked for.
local q, first, many, more = inbox_narrowed(cjson.decode(ARGV[3])), whole(ARGV[4]), whole(ARGV[5]), whole(ARGV[6])
local index = q.all[1] or 'inbox'
if #q.all <= 1 and #q.none == 0 and not q.any and q.asleep == nil and not q.due_in and not q.waited and q.by == 'due' and many > 0 then
  local ids = redis.call(q.desc and 'ZREVRANGE' or 'ZRANGE', P .. index, first, first + many - 1)
  return {redis.call('ZCARD', P .. index), ids, ARGV[7] and inbox_scores(q, ids)}
end
local total, ids = 0, {}
inbox_items(q, function(id)
  total = total + 1
  if total > first and #ids < many then ids[#ids + 1] = id end
  return total >= first + many + more
end)
return {total, ids, ARGV[7] and inbox_scores(q, ids)}
