-- Take what is due to leave, hidden from others for a while; undelivered messages come back by themselves.
-- ARGV: prefix, '', limit, hide_ms
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'outbox', '-inf', int(NOW), 'LIMIT', 0, tonumber(ARGV[3]))) do
  redis.call('ZADD', P .. 'outbox', int(NOW + tonumber(ARGV[4])), id)
  redis.call('HINCRBY', P .. 'out:' .. id, 'attempts', 1)
  taken[#taken + 1] = {id, redis.call('HGETALL', P .. 'out:' .. id)}
end
return taken
