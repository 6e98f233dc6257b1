-- The intent of a model call: looks at the kill switch and the breaker, reserves run and day together, or refuses.
-- A day remembers the highest cap that held in it, '' once there was none: the audit compares.
-- What was added to the ticket and not heard of refuses it, too: its run reads that first.
-- In a shard a cap of the day or of a source is what the shard has drawn of it: where that is too little it says what it needs
-- (`draw`, see allot_draw.lua), and a probe of a half-open breaker is asked for (`probe`).
-- A source may have a budget of a day and of a month, both UTC.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, after, call, worst, run_cap, day_cap, source_day, source_month, breaker, heard,
--   meters}, events...
local h = cjson.decode(ARGV[3])
local held, row = holds(h.epoch, h.owner, h.after)
if not held then return {'lost'} end
if row.call == h.call then return {'ok', AT} end
if h.heard and kept(row.news) ~= whole(h.heard) then return {'news'} end
local source = row.source
local control = redis.call('HMGET', P .. 'control', 'autonomy', 'day_cap', 'day_cap:' .. source, 'month_cap:' .. source)
if control[1] == 'off' then return {'off'} end

local B, parted = P .. 'breaker:' .. h.breaker, shard()
local b = redis.call('HMGET', B, 'open_until', 'probe_until', 'reason', 'granted')
if b[1] then
  local open, probed = tonumber(b[1]) - NOW, tonumber(b[2] or '0') - NOW
  if open > 0 then return {'breaker', b[3], int(open)} end
  if probed > 0 and not parted then return {'breaker', b[3], int(math.min(probed, 3000))} end -- a probe mostly ends before its lease does
end

local worst, lost, spent = whole(h.worst), settleable(row), kept(row.spent)
if lost then spent = spent + lost.cost end
local D = P .. 'day:' .. int(math.floor(NOW / 86400000))
local day = redis.call('HMGET', D, 'spent', 'reserved', 'cap', 'drawn', 'given_back')
local day_total = kept(day[1]) + kept(day[2]) + worst
local day_cap = tonumber(control[2]) or h.day_cap
local lifts = not day[3] or (day[3] ~= '' and (not day_cap or day_cap > kept(day[3])))
local drawn, given_back = kept(day[4]), kept(day[5])
local over_source, budgeted
local function look_at_source(period, cap, first, last, ends)
  if not cap then return end
  local gone, held = source_used(source, first, last)
  budgeted = true
  if parted then
    local name = int(first) .. (period == 'month' and 'm|' or '|') .. source
    local hash, drawn_field, back_field = purse(name)
    local share = redis.call('HMGET', hash, drawn_field, back_field)
    local need = gone + held + worst - kept(share[1]) + kept(share[2])
    if need > 0 then
      over_source = over_source or {'draw', name, int(cap), int(need), int(kept(share[1])), int(kept(share[2])), period,
        int(ends * 86400000 - NOW)}
    end
  elseif gone + held + worst > cap then
    over_source = over_source or {'source_cap', period, int(gone + held), int(cap), int(gone), int(ends * 86400000 - NOW)}
  end
end
local today = math.floor(NOW / 86400000)
look_at_source('day', tonumber(control[3]) or h.source_day, today, today, today + 1)
local month_cap = tonumber(control[4]) or h.source_month
if month_cap then
  local first, ends = month_of(today)
  look_at_source('month', month_cap, first, today, ends)
end
local events = events_from(4, h.epoch)
local steps = kept(row.steps) + 1
local renews = lapsing(row, h.lease_ms)

settle_lost(lost, h.epoch)
if h.run_cap and spent + worst > h.run_cap then return {'run_cap', int(spent), int(h.run_cap)} end
if day_cap and parted and day_total > drawn - given_back then
  return {'draw', int(math.floor(NOW / 86400000)), int(day_cap), int(day_total - drawn + given_back), int(drawn), int(given_back)}
elseif day_cap and not parted and day_total > day_cap then
  local gone = kept(redis.call('HGET', D, 'spent')) -- the rest is only reserved, and most of it comes free
  return {'day_cap', int(day_total - worst), int(day_cap), int(gone)}
end
if over_source then return over_source end

if parted and b[1] and b[4] ~= h.call then return {'probe'} end
append_all(events)
if b[1] and not parted then redis.call('HSET', B, 'probe_until', int(NOW + h.lease_ms)) end -- half-open: one probe at a time
redis.call('HINCRBY', D, 'reserved', int(worst))
if budgeted then redis.call('HINCRBY', D, 'reserved|' .. source, int(worst)) end
if lifts then redis.call('HSET', D, 'cap', day_cap and int(day_cap) or '') end
redis.call('HSET', T, 'rsv', int(worst), 'rsv_call', h.call, 'rsv_day', D, 'rsv_model', h.breaker,
  'steps', int(steps), unpack(budgeted and {'rsv_source', '1'} or {}))
if renews then lease_until(h.lease_ms) end
count_all(h.meters)
return {'ok', AT}
