-- Keep an inbox item with who holds it, while they read. No version, no event: nothing that was shown changes.
-- A hold that ran out is kept too, as long as nobody has taken the item meanwhile.
-- ARGV: prefix, id, person, hold_ms. Returns until when (ms), or who has it now
local row = redis.call('HMGET', T, 'state', 'version', 'holder', 'held_until')
if not row[1] then return {'unknown'} end
if row[3] ~= ARGV[3] then
  return {'stale', row[1], row[2], row[3] and tonumber(row[4] or '0') > NOW and row[3] or ''}
end
local until_ms = int(NOW + whole(ARGV[4]))
redis.call('HSET', T, 'held_until', until_ms)
return {'ok', until_ms}
