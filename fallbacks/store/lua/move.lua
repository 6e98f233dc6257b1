-- Move a ticket to another state, with everything that must happen in the same moment.
-- ARGV: prefix, id, header, events...
-- header: op; one guard of {epoch, owner} (a worker) or {version, person} (a person), states (allowed now);
--   state; due_in | due_at (ms) or absent; set {field: value}; unset [field]; inbox {sla (ms) | sla_in, facets};
--   undo (only while the undo window is open), undo_in (ms: opens one); alert {reason, severity}; outbox [{id, to, due_in, body}]: one outcome, an entry for each receiver; drop_outbox [id]; example, drop_example; count [name]; failure (see fail_breaker); keep_due, keep_inbox; meters {name: n}
local h = cjson.decode(ARGV[3])
local row = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'version', 'holder', 'held_until', 'op', 'held_since')
if not row[1] then return {'unknown'} end
if row[7] == h.op then return {'ok', row[1], row[4], int(NOW)} end
local held = row[5] and tonumber(row[6] or '0') > NOW and row[5] or ''
local allowed = false
for _, state in ipairs(h.states) do allowed = allowed or state == row[1] end
if h.owner then
  if not allowed or row[2] ~= h.epoch or row[3] ~= h.owner then return {'lost'} end
elseif not allowed or (h.version and h.version ~= tonumber(row[4])) or (h.person and held ~= '' and held ~= h.person)
then
  return {'stale', row[1], row[4], held}
end
if h.undo and NOW >= tonumber(redis.call('HGET', T, 'undo_until') or '0') then
  return {'stale', row[1], row[4], held}
end

if h.state ~= 'running' then
  settle_lost(row[2])
  if row[1] == 'running' then
    redis.call('HDEL', T, 'owner', 'lease')
    end_run(h.state == 'queued' and 'released' or h.state, h.set and h.set.reason or '')
  end
end
local taken = h.set and h.set.holder
if row[5] and held == '' and (taken or not h.keep_inbox) then count('human_leases_expired') end
if taken and held ~= taken then redis.call('HSET', T, 'held_since', int(NOW)) end
if row[8] and held ~= '' and held == h.person and not h.keep_inbox then
  observe('human_handle_seconds', (NOW - row[8]) / 1000)
end
local fields = {'op', h.op}
for field, value in pairs(h.set or {}) do fields[#fields + 1] = field; fields[#fields + 1] = value end
redis.call('HSET', T, unpack(fields))
if h.unset and h.unset[1] then redis.call('HDEL', T, unpack(h.unset)) end
local version = redis.call('HINCRBY', T, 'version', 1)
if h.state ~= row[1] then place(h.state) end
local due = h.due_at or (h.due_in and NOW + h.due_in)
if due then
  local deadline = tonumber(redis.call('HGET', T, 'deadline'))
  due_at(deadline and math.min(due, math.max(deadline, NOW)) or due)
elseif not h.keep_due then
  due_at(nil)
end
if h.inbox then enter_inbox(h.inbox.sla or NOW + h.inbox.sla_in, h.inbox.facets) elseif not h.keep_inbox then leave_inbox() end
append_from(4, row[2])
count_all(h.meters)
if h.alert then raise_alert(h.alert.reason, h.alert.severity) end
if h.failure then fail_breaker(h.failure) end
for _, id in ipairs(h.drop_outbox or {}) do
  redis.call('ZREM', P .. 'outbox', id)
  redis.call('DEL', P .. 'out:' .. id)
end
local sequence = h.outbox and h.outbox[1] and redis.call('HINCRBY', T, 'sequence', 1)
for _, message in ipairs(h.outbox or {}) do
  redis.call('HSET', P .. 'out:' .. message.id, 'ticket', ID, 'body', message.body, 'event', message.event,
    'to', message.to or 'webhook', 'attempts', 0, 'sequence', sequence, 'created', int(NOW))
  redis.call('ZADD', P .. 'outbox', int(NOW + message.due_in), message.id)
  redis.call('HSET', T, 'delivery', 'pending')
end
if h.drop_example then redis.call('LREM', P .. 'examples', -1, h.drop_example) end
if h.undo_in then redis.call('HSET', T, 'undo_until', int(NOW + h.undo_in)) end
if h.example then redis.call('RPUSH', P .. 'examples', h.example) end
for _, name in ipairs(h.count or {}) do redis.call('HINCRBY', P .. 'n', name, 1) end
return {'ok', h.state, int(version), int(NOW)}
