-- At home: ask for the one probe of a half-open breaker. ARGV: prefix, '', model, lease_ms
-- Returns {'ok'}, {'closed'}, or {'breaker', reason, ms to wait}.
local B = P .. 'breaker:' .. ARGV[3]
local b = redis.call('HMGET', B, 'open_until', 'probe_until', 'reason')
if not b[1] then return {'closed'} end
local open, probed = kept(b[1]) - NOW, kept(b[2]) - NOW
if open > 0 then return {'breaker', b[3], int(open)} end
if probed > 0 then return {'breaker', b[3], int(math.min(probed, 3000))} end -- a probe mostly ends before its lease does
redis.call('HSET', B, 'probe_until', int(NOW + whole(ARGV[4])))
return {'ok'}
