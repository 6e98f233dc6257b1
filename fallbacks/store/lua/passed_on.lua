-- In a shard: home has taken on what was passed on. ARGV: prefix, '', place after the last line of examples, of calls judged;
--   reason, how many were raised, reason...
local K, alerts = P .. 'passed', {}
sorted(P .. 'alerts')
redis.call('LLEN', P .. 'examples')
redis.call('LLEN', P .. 'calls_judged')
local function passed(what) return kept(redis.call('HGET', K, what)) end
local examples, judged = whole(ARGV[3]) - passed('examples'), whole(ARGV[4]) - passed('calls_judged')
for i = 5, #ARGV, 2 do
  local count = kept(redis.call('HGET', P .. 'alert:' .. ARGV[i], 'count'))
  alerts[#alerts + 1] = {ARGV[i], whole(ARGV[i + 1]), whole(ARGV[i + 1]) - passed('alert:' .. ARGV[i]), count}
end

if examples > 0 then
  redis.call('LTRIM', P .. 'examples', int(examples), -1)
  redis.call('HSET', K, 'examples', ARGV[3])
end
if judged > 0 then
  redis.call('LTRIM', P .. 'calls_judged', int(judged), -1)
  redis.call('HSET', K, 'calls_judged', ARGV[4])
end
for _, alert in ipairs(alerts) do
  local reason, upto, more, count = unpack(alert)
  local A = P .. 'alert:' .. reason
  if more > 0 then
    redis.call('HSET', K, 'alert:' .. reason, int(upto))
    redis.call('HINCRBY', A, 'count', int(-more))
    count = count - more
  end
  if count > 0 then
    redis.call('ZADD', P .. 'alerts', AT, reason)
  else
    redis.call('ZREM', P .. 'alerts', reason)
    redis.call('HDEL', A, 'first')
    redis.call('DEL', A .. ':tickets')
  end
end
return 1
