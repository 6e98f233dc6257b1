-- Hold the first item that nobody holds and that is not snoozed, for one person.
-- ARGV: prefix, '', person, hold_ms, what is wanted (JSON, see `inbox_items`), event ('': hold nothing, and return the id with
--   by what it is ranked), skip id...
local skip, q, taken = {}, inbox_narrowed(cjson.decode(ARGV[5])), false
for i = 7, #ARGV do skip[ARGV[i]] = true end
q.asleep = false
local function look() -- at the item, whether it is free
  local row = redis.call('HMGET', T, 'holder', 'held_until', 'snoozed_until', 'epoch')
  row.live = row[1] and kept(row[2]) > NOW
  local held = row.live and row[1] ~= ARGV[3]
  if held or kept(row[3]) > NOW then return nil end
  redis.call('LLEN', J)
  return row
end
local held_until = int(NOW + whole(ARGV[4]))
inbox_items(q, function(id)
  at_ticket(id)
  local row = not skip[id] and readable(look)
  if not row then return false end
  if ARGV[6] == '' then
    taken = {id, inbox_scores(q, {id})[1]}
    return true
  end
  redis.call('HSET', T, 'holder', ARGV[3], 'held_until', held_until)
  if row[1] and not row.live then count('human_leases_expired') end
  if not row.live then redis.call('HSET', T, 'held_since', AT) end
  if row[1] ~= ARGV[3] then append(ARGV[6], row[4]) end
  taken = id
  return true
end)
return taken
