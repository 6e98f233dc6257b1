-- A model's circuit breaker learns of a failure {model, reason, severity, at_once, retry_after_ms}. It opens with the fifth
-- in a row, or at once where it is the same for every ticket; for longer with each. Once open for long, people hear of it.
-- `failing` checks, and says what there is to do.
local function failing(f)
  local B = P .. 'breaker:' .. f.model
  local b = redis.call('HMGET', B, 'open_until', 'alerted', 'failures')
  local open_until, failures, wait = kept(b[1]), kept(b[3]) + 1, whole(f.retry_after_ms or 0)
  local plan = {key = B, f = f, counts = NOW >= open_until} -- a call begun before it opened says nothing new
  if plan.counts then
    local doublings = f.at_once and failures - 1 or failures - 4
    if f.at_once or failures >= 5 then wait = math.max(wait, math.min(300000, 2500 * 2 ^ math.min(doublings, 8))) end
  end
  plan.opens = wait > 0 and NOW + wait > open_until
  plan.open_until = plan.opens and NOW + wait or open_until
  if plan.opens and not b[2] and (f.at_once or wait >= 60000) then plan.quiet_until = alertable('breaker_open') end
  return plan
end
local function fail_breaker(plan)
  local B, f = plan.key, plan.f
  if plan.counts then
    redis.call('HINCRBY', B, 'failures', 1)
    redis.call('HDEL', B, 'probe_until')
  end
  if plan.opens then redis.call('HSET', B, 'open_until', int(plan.open_until), 'reason', f.reason) end
  if plan.quiet_until then
    redis.call('HSET', B, 'alerted', 1)
    raise_other_alert('breaker_open', f.severity, f.reason .. ' ' .. f.model, plan.quiet_until)
  end
  redis.call('PEXPIRE', B, int(math.max(600000, (plan.open_until - NOW) * 2)))
end

-- A call has succeeded: everybody may call. An alert that was not sent yet has nothing to say any more.
-- `closing` checks, and says what there is to do.
local function closing(model)
  local a = redis.call('HMGET', P .. 'alert:breaker_open', 'about', 'sending')
  return {model = model, calms = a[1] and not a[2] and string.sub(a[1], -#model - 1) == ' ' .. model}
end
local function close_breaker(plan)
  redis.call('DEL', P .. 'breaker:' .. plan.model)
  if not plan.calms then return end
  local A = P .. 'alert:breaker_open'
  redis.call('HSET', A, 'count', 0)
  redis.call('HDEL', A, 'first')
  redis.pcall('ZREM', P .. 'alerts', 'breaker_open')
  redis.call('DEL', A .. ':tickets')
end
