-- In a shard: what home is to take on. Alerts that are due, each with how many were ever raised of it; and what people decided,
-- from the place of the first line that home has not acknowledged.
-- ARGV: prefix, '', lines at most
-- Returns {{reason, raised, first, last, severity, about, told_as, tickets}, ...}, {place, {lines}} of examples, of calls judged.
local alerts, most = {}, whole(ARGV[3])
for _, reason in ipairs(redis.call('ZRANGEBYSCORE', P .. 'alerts', '-inf', AT, 'LIMIT', 0, 20)) do
  alerts[#alerts + 1] = readable(function()
    local a = redis.call('HMGET', P .. 'alert:' .. reason, 'count', 'first', 'last', 'severity', 'about', 'told_as')
    local passed = kept(redis.call('HGET', P .. 'passed', 'alert:' .. reason))
    return {reason, int(passed + kept(a[1])), a[2] or AT, a[3] or AT, a[4] or '', a[5] or '', a[6] or '',
      redis.call('LRANGE', P .. 'alert:' .. reason .. ':tickets', 0, -1)}
  end)
end
local places = redis.call('HMGET', P .. 'passed', 'examples', 'calls_judged')
return {alerts, {int(kept(places[1])), redis.call('LRANGE', P .. 'examples', 0, most - 1)},
  {int(kept(places[2])), redis.call('LRANGE', P .. 'calls_judged', 0, most - 1)}}
