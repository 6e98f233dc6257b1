-- Hold the most urgent inbox item that nobody holds and that is not snoozed, for one person.
-- ARGV: prefix, '', person, hold_ms, scan, index ('inbox' or 'inbox:facet'), event, skip id...
local skip = {}
for i = 8, #ARGV do skip[ARGV[i]] = true end
for _, id in ipairs(redis.call('ZRANGE', P .. ARGV[6], 0, tonumber(ARGV[5]) - 1)) do
  at_ticket(id)
  local row = redis.call('HMGET', T, 'holder', 'held_until', 'snoozed_until', 'epoch')
  local live = row[1] and tonumber(row[2] or '0') > NOW
  local held = live and row[1] ~= ARGV[3]
  if not held and not skip[id] and tonumber(row[3] or '0') <= NOW then
    redis.call('HSET', T, 'holder', ARGV[3], 'held_until', int(NOW + tonumber(ARGV[4])))
    if row[1] and not live then count('human_leases_expired') end
    if not live then redis.call('HSET', T, 'held_since', int(NOW)) end
    if row[1] ~= ARGV[3] then append(ARGV[7], row[4]) end
    return id
  end
end
return false
