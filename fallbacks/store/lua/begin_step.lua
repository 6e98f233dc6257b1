-- The intent of a model call: looks at the kill switch and the breaker, reserves run and day together, or refuses.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, call, worst, run_cap, day_cap, breaker, meters}, events...
local h = cjson.decode(ARGV[3])
local held, open, spent = holds(h.epoch, h.owner)
if not held then return {'lost'} end
if open[3] == h.call then return {'ok', int(NOW)} end
local control = redis.call('HMGET', P .. 'control', 'autonomy', 'day_cap')
if control[1] == 'off' then return {'off'} end

local B = P .. 'breaker:' .. h.breaker
local b = redis.call('HMGET', B, 'open_until', 'probe_until', 'reason')
if b[1] then
  local open, probed = tonumber(b[1]) - NOW, tonumber(b[2] or '0') - NOW
  if open > 0 then return {'breaker', b[3], int(open)} end
  if probed > 0 then return {'breaker', b[3], int(math.min(probed, 3000))} end -- a probe mostly ends before its lease does
end

if open[1] then settle_lost(h.epoch); spent = tonumber(redis.call('HGET', T, 'spent')) end
if h.run_cap and spent + h.worst > h.run_cap then return {'run_cap', int(spent), int(h.run_cap)} end
local D = P .. 'day:' .. int(math.floor(NOW / 86400000))
local day = redis.call('HMGET', D, 'spent', 'reserved')
local day_total = tonumber(day[1] or '0') + tonumber(day[2] or '0') + h.worst
local day_cap = tonumber(control[2]) or h.day_cap
if day_cap and day_total > day_cap then return {'day_cap', int(day_total - h.worst), int(day_cap)} end

if b[1] then redis.call('HSET', B, 'probe_until', int(NOW + h.lease_ms)) end -- half-open: one probe at a time
redis.call('HINCRBY', D, 'reserved', int(h.worst))
redis.call('HINCRBY', T, 'steps', 1)
lease_until(h.lease_ms, 'rsv', int(h.worst), 'rsv_call', h.call, 'rsv_day', D, 'rsv_model', h.breaker)
append_from(4, h.epoch)
count_all(h.meters)
return {'ok', int(NOW)}
