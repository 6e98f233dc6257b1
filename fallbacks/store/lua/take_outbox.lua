-- Take what is due to leave, hidden from others for a while; undelivered messages come back by themselves.
-- ARGV: prefix, '', limit, hide_ms
local taken, hide_ms = {}, whole(ARGV[4])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'outbox', '-inf', AT, 'LIMIT', 0, whole(ARGV[3]))) do
  local O = P .. 'out:' .. id
  local could = readable(function() return kept(redis.call('HGET', O, 'attempts')) end)
  redis.call('ZADD', P .. 'outbox', int(NOW + hide_ms), id)
  if could then
    redis.call('HINCRBY', O, 'attempts', 1)
    taken[#taken + 1] = {id, redis.call('HGETALL', O)}
  end
end
return taken
