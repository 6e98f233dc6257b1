-- At home: what a model's circuit breaker learns of a call in a shard.
-- ARGV: prefix, id, model, what (`failed`, `closed`, `released`), the failure (JSON; see _breaker.lua) or ''
local B = P .. 'breaker:' .. ARGV[3]
if ARGV[4] == 'failed' then
  fail_breaker(failing(cjson.decode(ARGV[5])))
elseif ARGV[4] == 'closed' then
  close_breaker(closing(ARGV[3]))
else
  redis.call('HDEL', B, 'probe_until')
end
return 1
