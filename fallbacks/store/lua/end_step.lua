-- The result of a model call: settle at its cost, append what was said, and let the breaker learn.
-- A shard counts no failures: it returns what the breaker at home is to learn, `failed`, `closed` or `released`.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, call, cost, breaker, health, failure, meters}, events...
local h = cjson.decode(ARGV[3])
local held, row = holds(h.epoch, h.owner)
if not held then return {'lost'} end
if row.call ~= h.call then return {row.settled_call == h.call and 'ok' or 'lost', AT} end
local open, events, B = settleable(row, h.cost), events_from(4, h.epoch), P .. 'breaker:' .. h.breaker
local learns = shard() and (h.failure and 'failed' or h.health ~= 'well' and redis.call('HGET', B, 'granted') == h.call and 'released')
local failure = h.failure and not learns and failing(h.failure)
local closes = h.health == 'well' and redis.call('EXISTS', B) == 1 and (shard() and 'at home' or closing(h.breaker))
if not failure and h.health ~= 'well' then redis.call('HLEN', B) end
local renews = lapsing(row, h.lease_ms)

append_all(events)
settle(open, 'settled_call', h.call)
if renews then lease_until(h.lease_ms) end
count_all(h.meters)

if h.health == 'well' then
  if closes == 'at home' then
    redis.call('DEL', B)
    learns = 'closed'
  elseif closes then
    close_breaker(closes)
  end
elseif learns == 'released' then
  redis.call('HDEL', B, 'granted')
elseif failure then
  fail_breaker(failure)
elseif not learns then -- it says nothing of the provider: another may probe
  redis.call('HDEL', B, 'probe_until')
end
return {'ok', AT, learns or nil}
