-- Move a ticket to another state, with everything that must happen in the same moment.
-- ARGV: prefix, id, header (fallbacks/ledger/move.py), events...
-- header: op; one guard of {epoch, owner} (a worker) or {version, person} (a person), states (allowed now);
--   state; due_in | due_at (ms) or absent; set {field: value}; unset [field]; inbox {sla (ms) | sla_in, facets}; former (whose it was: it goes to another of its group in rotation); turn (whose it becomes: a shard does not know, and asks, see rotate.lua);
--   undo (only while the undo window is open), undo_in (ms: opens one); alert {reason, severity}; outbox [{id, to, due_in, body}]: one outcome, an entry for each receiver; drop_outbox [id]; example, drop_example; judged (of a call); count [name]; failure (see fail_breaker); keep_due, keep_inbox; meters {name: n}; figures {kind, version}: of the run that ends;
--   heard (messages that were known); message {id, digest, chars, most_chars, news; original, attached, bounced: see accept.lua}: one to add, once; unnoticed: the version stays
local h = cjson.decode(ARGV[3])
local row = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'version', 'holder', 'held_until', 'op', 'held_since',
  'undo_until', 'facets', 'deadline', 'sequence', 'since', 'steps', 'steps_before', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model',
  'spent', 'kind_spent', 'news', 'chars', 'call', 'approved', 'outbox', 'source', 'priority', 'step', 'rsv_source')
if not row[1] then return {'unknown'} end
if row[7] == h.op then return {'ok', row[1], row[4], AT} end
local M = P .. 'messages:' .. ID
if h.message then
  local digest = redis.call('HGET', M, h.message.id)
  if digest then return {digest == h.message.digest and 'seen' or 'conflict', row[1], row[4], AT} end
end
local held = row[5] and kept(row[6]) > NOW and row[5] or ''
local over = h.undo and NOW >= kept(row[9])
for _, id in ipairs(h.drop_outbox or {}) do -- whatever the clock says, what has left cannot be taken back
  over = over or redis.call('HGET', P .. 'out:' .. id, 'attempts') ~= '0'
end
local allowed = false
for _, state in ipairs(h.states) do allowed = allowed or state == row[1] end
if h.owner then
  if not allowed or row[2] ~= h.epoch or row[3] ~= h.owner then return {'lost'} end
elseif not allowed or (h.version and h.version ~= tonumber(row[4])) or (h.person and held ~= '' and held ~= h.person)
  or over
then
  return {'stale', row[1], row[4], held}
end
if h.heard and kept(row[22]) ~= whole(h.heard) then return {'news'} end
if h.message then
  texts(h.message.id, h.message.digest)
  if kept(row[23]) + whole(h.message.chars) > whole(h.message.most_chars) then return {'full'} end
  redis.call('HLEN', P .. 'original:' .. ID)
  if h.message.bounced then redis.call('HLEN', P .. 'bounced:' .. h.message.bounced) end
end

-- Everything is checked before anything is written.
local open = h.state ~= 'running' and settleable({rsv = row[16], day = row[17], call = row[18], model = row[19], spent = row[20],
  source = row[27], rsv_source = row[30]})
local events = events_from(4, row[2])
local version, moved = int(kept(row[4]) + (h.unnoticed and 0 or 1)), h.state ~= row[1]
local fields, gone = {'op', h.op, 'version', version}, h.unset or {} -- the row is written once
local function put(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
for field, value in pairs(h.set or {}) do
  if type(value) ~= 'string' then error('a text is missing') end
  put(field, value)
end
local works = h.state == 'queued' or h.state == 'running' or h.state == 'parked'
if row[24] and moved then gone[#gone + 1] = 'call' end -- a call waits in one state only
if row[25] and (not works or (h.message and h.message.news)) then -- and an approval holds for what its person saw
  gone[#gone + 1] = 'approved'
  gone[#gone + 1] = 'approved_until'
end
if h.message then
  put('messages', int(kept(redis.call('HGET', T, 'messages')) + 1))
  put('chars', int(kept(row[23]) + h.message.chars))
  if h.message.news then
    put('news', int(kept(row[22]) + 1))
    put('last_message', h.message.id)
  end
end
local due = h.due_at and whole(h.due_at) or (h.due_in and NOW + whole(h.due_in))
local deadline = h.set and h.set.deadline or row[11]
for _, name in ipairs(gone) do if name == 'deadline' then deadline = nil end end
if due and deadline then due = math.min(due, math.max(kept(deadline), NOW)) end
local before = row[10] and cjson.decode(row[10])
local group, turn = h.inbox and not h.undo and goes_round(h.inbox.facets, before, h.former), nil
if group and shard() then
  if not h.turn then return {'turn', group} end
  turn = h.turn ~= '' and h.turn
elseif group then
  turn = next_in_turn(group, h.former, function(name) return redis.call('ZCARD', P .. 'inbox:assignee:' .. name) end)
end
if turn then
  h.inbox.facets[#h.inbox.facets + 1] = 'assigned'
  h.inbox.facets[#h.inbox.facets + 1] = 'assignee:' .. turn
  events[#events + 1] = stamped('{"type":"person_acted","v":1,"by":"rotation","action":"assign","note":' .. cjson.encode(turn) .. '}', row[2])
end
local sla = h.inbox and faceted(h.inbox.facets) and (h.inbox.sla and whole(h.inbox.sla) or NOW + whole(h.inbox.sla_in))
local quiet_until = h.alert and alertable(h.alert.reason)
local learns = h.failure and shard() -- at home
local failure = h.failure and not learns and failing(h.failure)
local names = {unpack(h.count or {})}
if h.alert then names[#names + 1] = 'alerts_raised' end
if names[1] then counters(unpack(names)) end
if h.outbox then sorted(P .. 'outbox') end
local sent = row[26] and {row[26]} or {} -- by id: they leave with the ticket
for _, message in ipairs(h.outbox or {}) do
  sent[#sent + 1] = message.id
  redis.call('HLEN', P .. 'out:' .. message.id)
  texts(message.body, message.event)
  whole(message.due_in)
end
local sequence = h.outbox and h.outbox[1] and int(kept(row[12]) + 1)
if h.example or h.drop_example then redis.call('LLEN', P .. 'examples') end
if h.judged then redis.call('LLEN', P .. 'calls_judged') end
local undo_until = h.undo_in and NOW + whole(h.undo_in)
local since, held_since = tonumber(row[13]) or NOW, tonumber(row[8]) or NOW -- for figures only, as the steps
local steps, steps_before = tonumber(row[14]) or 0, tonumber(row[15]) or 0
local ends = h.figures and row[1] == 'running' and h.figures
local spent = ends and kept(row[20]) + (open and open.cost or 0)
if ends and ends.kind then
  kept(row[21])
  put('kind_spent', int(spent))
end
if moved then sorted(P .. 's:' .. h.state) end
if due then sorted(P .. 'due') end
local snoozed_until = h.set and h.set.snoozed_until
if snoozed_until then
  sorted(P .. 'snoozed')
  whole(snoozed_until)
end

if open then settle_lost(open, row[2]) end
append_all(events)
if moved and row[1] == 'running' then
  gone[#gone + 1] = 'owner'
  gone[#gone + 1] = 'lease'
  end_run(h.state == 'queued' and 'released' or h.state, h.set and h.set.reason or '', since, steps, steps_before)
end
if ends and ends.kind then figure('kind', ends.kind, int(spent - kept(row[21]))) end
if ends and ends.version then figure('run', ends.version .. '|' .. h.state) end
local taken = h.set and h.set.holder
if row[5] and held == '' and (taken or not h.keep_inbox) then count('human_leases_expired') end
if taken and held ~= taken then put('held_since', AT) end
if row[8] and held ~= '' and held == h.person and not h.keep_inbox then
  observe('human_handle_seconds', (NOW - held_since) / 1000)
end
if before and (h.inbox or not h.keep_inbox) then leave_inbox(before, gone) end
if h.inbox then
  enter_inbox(sla, h.inbox.facets)
  put('facets', cjson.encode(h.inbox.facets))
  put('sla', int(sla))
end
if turn and not shard() then redis.call('HSET', P .. 'person:' .. turn, 'turn_at', AT) end
if undo_until then put('undo_until', int(undo_until)) end
if sequence then
  put('sequence', sequence)
  put('delivery', 'pending')
  put('outbox', table.concat(sent, ' '))
end
if h.message then
  redis.call('HSET', M, h.message.id, h.message.digest)
  if h.message.original then redis.call('HSET', P .. 'original:' .. ID, 'zlib:' .. h.message.id, h.message.original) end
  if h.message.attached then redis.call('HSET', P .. 'original:' .. ID, 'attached:' .. h.message.id, h.message.attached) end
  if h.message.bounced then
    redis.call('HSET', P .. 'bounced:' .. h.message.bounced, 'at', AT, 'ticket', h.message.id)
    redis.call('PEXPIRE', P .. 'bounced:' .. h.message.bounced, 7776000000)
  end
end
if snoozed_until then redis.call('ZADD', P .. 'snoozed', snoozed_until, ID) end
for _, name in ipairs(gone) do if name == 'snoozed_until' then take_out(P .. 'snoozed') end end
if gone[1] then redis.call('HDEL', T, unpack(gone)) end
if not moved and (h.message or h.set and h.set.decision) then touched() end
if moved then place(row[1], h.state, unpack(fields)) else redis.call('HSET', T, unpack(fields)) end
if moved and h.state == 'queued' then line_up(row[27] or '', row[28], row[29], row[1] == 'running') end
if due or not h.keep_due then due_at(due) end
count_all(h.meters)
if h.alert then
  redis.call('HINCRBY', P .. 'n', 'alerts_raised', 1)
  raise_alert(h.alert.reason, h.alert.severity, quiet_until)
end
if failure then fail_breaker(failure) end
for _, id in ipairs(h.drop_outbox or {}) do
  redis.pcall('ZREM', P .. 'outbox', id)
  redis.call('DEL', P .. 'out:' .. id)
end
for _, message in ipairs(h.outbox or {}) do
  redis.call('HSET', P .. 'out:' .. message.id, 'ticket', ID, 'body', message.body, 'event', message.event,
    'to', message.to or 'webhook', 'attempts', 0, 'sequence', sequence, 'created', AT)
  redis.call('ZADD', P .. 'outbox', int(NOW + message.due_in), message.id)
end
if h.drop_example and shard() then -- home may have it by now
  redis.call('RPUSH', P .. 'examples', '-' .. h.drop_example)
elseif h.drop_example then
  redis.call('LREM', P .. 'examples', -1, h.drop_example)
end
if h.example then redis.call('RPUSH', P .. 'examples', h.example) end
if h.judged then redis.call('RPUSH', P .. 'calls_judged', h.judged) end
for _, name in ipairs(h.count or {}) do redis.call('HINCRBY', P .. 'n', name, 1) end
return {'ok', h.state, version, AT, learns and 'failed' or nil}
