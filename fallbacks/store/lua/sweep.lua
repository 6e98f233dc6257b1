-- Find work nobody is doing and say what to publish: {kind, id, kind, id...}, kind being triage or hand_off.
-- A ticket that cannot be read is looked at again in ten minutes; the audit names it.
-- ARGV: prefix, '', limit, max_losses, base_ms (first wait before a message is sent again), backlogged ('1' or '0'),
--   lease_ms
local limit, max_losses, base, lease_ms, found = whole(ARGV[3]), whole(ARGV[4]), whole(ARGV[5]), whole(ARGV[7]), {}
local unended = redis.call('ZCARD', P .. 's:queued') + redis.call('ZCARD', P .. 's:running') + redis.call('ZCARD', P .. 's:parked')
if unended ~= redis.call('ZCARD', P .. 'due') then -- cannot happen while every write is one of these scripts; heal if it did
  for _, state in ipairs({'queued', 'running', 'parked'}) do
    for _, id in ipairs(redis.call('ZDIFF', 2, P .. 's:' .. state, P .. 'due')) do redis.call('ZADD', P .. 'due', AT, id) end
  end
end

-- Who is queued and not in line, or the other way round: another version's worker put it there.
local function ordered()
  if redis.call('ZCARD', P .. 's:queued') == redis.call('ZCARD', P .. 'line') then return end
  for _, id in ipairs(redis.call('ZDIFF', 2, P .. 'line', P .. 's:queued')) do redis.call('ZREM', P .. 'line', id) end
  local left_out = redis.call('ZDIFF', 2, P .. 's:queued', P .. 'line')
  for i = 1, math.min(#left_out, limit) do
    at_ticket(left_out[i])
    local r = readable(function() return redis.call('HMGET', T, 'source', 'priority', 'step') end)
    if r and not redis.pcall('HGET', P .. 'probes', ID) then line_up(r[1] or '', r[2], r[3]) end
  end
end

local function look()
  local r = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'sweeps', 'deadline', 'losses', 'version', 'since', 'steps',
    'steps_before', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'spent', 'lease', 'source', 'priority', 'step',
    'rsv_source')
  redis.call('LLEN', J)
  kept(r[4]); kept(r[7])
  local row = {state = r[1], epoch = r[2], owner = r[3], losses = kept(r[6]), since = kept(r[8]), steps = kept(r[9]),
    steps_before = kept(r[10]), rsv = r[11], day = r[12], call = r[13], model = r[14], spent = r[15],
    source = r[17] or '', priority = r[18], step = r[19], rsv_source = r[20]}
  row.heard = (r[16] and kept(r[16]) or NOW) - lease_ms
  row.deadline = r[5] and kept(r[5]) or MOST
  row.open = row.state == 'running' and settleable(row)
  return row
end

local function lost(row) -- its worker
  settle_lost(row.open, row.epoch)
  row.losses = redis.call('HINCRBY', T, 'losses', 1)
  append('{"type":"lease_expired","v":1,"owner":' .. cjson.encode(row.owner) .. ',"losses":' .. row.losses ..
    ',"heard_ms":' .. int(row.heard) .. '}', row.epoch)
  redis.call('HDEL', T, 'owner', 'lease')
  end_run('lost', '', row.since, row.steps, row.steps_before)
  redis.call('HINCRBY', P .. 'n', 'leases_lost', 1)
end

ordered()
local due = redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', AT, 'LIMIT', 0, limit)
if not due[1] then return found end
counters('leases_lost', 'republished')
local paused = redis.call('HGET', P .. 'control', 'paused:tickets')
for _, id in ipairs(due) do
  at_ticket(id)
  local row = readable(look)
  local state = row and row.state
  local late = row and row.deadline <= NOW
  if state == 'running' or state == 'parked' then
    if state == 'running' then lost(row) else append('{"type":"unparked","v":1}', row.epoch) end
    redis.call('HINCRBY', T, 'version', 1)
    place(state, 'queued')
    line_up(row.source, row.priority, row.step, state == 'running')
  end
  if not row then
    due_at(NOW + 600000)
  elseif state == 'queued' and not late and (paused or ARGV[6] == '1') then
    due_at(NOW + base)
  elseif state == 'queued' or state == 'running' or state == 'parked' then
    local sweeps = redis.call('HINCRBY', T, 'sweeps', 1)
    local again = NOW + math.min(600000, base * 2 ^ math.min(sweeps - 1, 12))
    due_at(late and again or math.min(again, row.deadline))
    if state == 'queued' then redis.call('HINCRBY', P .. 'n', 'republished', 1) end
    found[#found + 1] = (late or row.losses >= max_losses) and 'hand_off' or 'triage'
    found[#found + 1] = id
  else
    due_at(nil)
  end
end
return found
