-- Find work nobody is doing and say what to publish: {kind, id, kind, id...}, kind being triage or hand_off.
-- ARGV: prefix, '', limit, max_losses, base_ms (first wait before a message is sent again), backlogged ('1' or '0'),
--   lease_ms
local limit, max_losses, base = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local found = {}
local unended = redis.call('ZCARD', P .. 's:queued') + redis.call('ZCARD', P .. 's:running') + redis.call('ZCARD', P .. 's:parked')
if unended ~= redis.call('ZCARD', P .. 'due') then -- cannot happen while every write is one of these scripts; heal if it did
  for _, state in ipairs({'queued', 'running', 'parked'}) do
    for _, id in ipairs(redis.call('ZDIFF', 2, P .. 's:' .. state, P .. 'due')) do redis.call('ZADD', P .. 'due', int(NOW), id) end
  end
end
local paused = redis.call('HGET', P .. 'control', 'paused:tickets')
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', int(NOW), 'LIMIT', 0, limit)) do
  at_ticket(id)
  local row = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'sweeps', 'deadline', 'losses', 'lease')
  local state, losses, late = row[1], tonumber(row[6] or '0'), row[5] and tonumber(row[5]) <= NOW
  if state == 'running' then
    settle_lost(row[2])
    losses = redis.call('HINCRBY', T, 'losses', 1)
    append('{"type":"lease_expired","v":1,"owner":' .. cjson.encode(row[3]) .. ',"losses":' .. losses ..
      ',"heard_ms":' .. int((row[7] or NOW) - ARGV[7]) .. '}', row[2])
    redis.call('HDEL', T, 'owner', 'lease')
    end_run('lost', '')
    redis.call('HINCRBY', P .. 'n', 'leases_lost', 1)
    redis.call('HINCRBY', T, 'version', 1)
    place('queued')
  elseif state == 'parked' then
    append('{"type":"unparked","v":1}', row[2])
    redis.call('HINCRBY', T, 'version', 1)
    place('queued')
  end
  if state == 'queued' and not late and (paused or ARGV[6] == '1') then
    due_at(NOW + base)
  elseif state == 'queued' or state == 'running' or state == 'parked' then
    local sweeps = redis.call('HINCRBY', T, 'sweeps', 1)
    local again = NOW + math.min(600000, base * 2 ^ math.min(sweeps - 1, 12))
    due_at(row[5] and not late and math.min(again, tonumber(row[5])) or again)
    if state == 'queued' then redis.call('HINCRBY', P .. 'n', 'republished', 1) end
    found[#found + 1] = (late or losses >= max_losses) and 'hand_off' or 'triage'
    found[#found + 1] = id
  else
    due_at(nil)
  end
end
return found
