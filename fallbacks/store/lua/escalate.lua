-- One alert when the oldest item of the inbox has passed the time by which a person should have looked. The next one
-- only after nothing was late any more, or after again_ms.
-- ARGV: prefix, '', name of the alert, severity, again_ms; where shards were asked: how many are late, the oldest. Returns how many items are late.
local A = P .. 'alert:' .. ARGV[3]
local late, late_until = ARGV[6] and whole(ARGV[6]) or redis.call('ZCOUNT', P .. 'inbox', '-inf', AT), kept(redis.call('HGET', A, 'late_until'))
if late == 0 then
  redis.call('HDEL', A, 'late_until')
  return 0
end
if late_until > NOW then return late end
local quiet_until, again = alertable(ARGV[3]), whole(ARGV[5])

at_ticket(ARGV[7] or redis.call('ZRANGE', P .. 'inbox', 0, 0)[1])
redis.call('HSET', A, 'late_until', int(NOW + again), 'told_as', 'escalations')
raise_alert(ARGV[3], ARGV[4], quiet_until)
redis.call('HSET', A, 'count', late)
return late
