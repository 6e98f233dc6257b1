-- A failure raises an alert: counted per reason, due in three seconds (a storm gathers), or after the quiet time.
-- Checked first by `alertable`, which returns until when it is quiet.
local function alertable(name)
  local a = redis.call('HMGET', P .. 'alert:' .. name, 'count', 'quiet_until')
  redis.call('LLEN', P .. 'alert:' .. name .. ':tickets')
  sorted(P .. 'alerts')
  return kept(a[1]) and kept(a[2])
end
local function raise_alert(name, severity, quiet_until)
  local A = P .. 'alert:' .. name
  redis.call('HINCRBY', A, 'count', 1)
  redis.call('HSETNX', A, 'first', AT)
  redis.call('HSET', A, 'last', AT, 'severity', severity)
  if redis.call('LPUSH', A .. ':tickets', ID) > 5 then redis.call('LTRIM', A .. ':tickets', 0, 4) end
  redis.call('ZADD', P .. 'alerts', 'NX', int(math.max(NOW + 3000, quiet_until)), name)
end

-- An alert that no hand-off raises; the audit balances those of hand-offs only.
local function raise_other_alert(name, severity, about, quiet_until)
  redis.call('HSET', P .. 'alert:' .. name, 'told_as', 'escalations', 'about', about)
  raise_alert(name, severity, quiet_until)
end
