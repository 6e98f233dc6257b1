-- Let time pass on a real server: every stored time moves back by ARGV[2] ms. Test only.
local P, MS = ARGV[1], tonumber(ARGV[2])
local times = {'accepted', 'lease', 'deadline', 'since', 'undo_until', 'held_until', 'held_since', 'snoozed_until', 'sla',
  'first_claimed', 'open_until', 'probe_until', 'first', 'last', 'quiet_until', 'late_until', 'created', 'ended', 'approved_until', 'away_until', 'turn_at'}
for _, key in ipairs(redis.call('KEYS', P .. '*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'zset' and key ~= P .. 'line' and key ~= P .. 'shares' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -MS, member) end
  elseif kind == 'hash' and not string.find(key, P .. 'n', 1, true) and not string.find(key, P .. 'day:', 1, true) then
    for _, field in ipairs(times) do
      if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, -MS) end
    end
  end
  local ttl = redis.call('PTTL', key)
  if ttl > 0 then redis.call('PEXPIRE', key, ttl - MS) end
end
