-- One alert while something that concerns no ticket goes on; the next only after it was over, or after again_ms.
-- ARGV: prefix, '', name, severity, what goes on, again_ms ('': it is over). Returns whether one was raised.
local A = P .. 'alert:' .. ARGV[3]
local late_until = kept(redis.call('HGET', A, 'late_until'))
if ARGV[6] == '' then
  redis.call('HDEL', A, 'late_until')
  return 0
end
if late_until > NOW then return 0 end
local quiet_until, again = alertable(ARGV[3]), whole(ARGV[6])

redis.call('HSET', A, 'late_until', int(NOW + again))
raise_other_alert(ARGV[3], ARGV[4], ARGV[5], quiet_until)
redis.call('DEL', A .. ':tickets') -- it is of no ticket
return 1
