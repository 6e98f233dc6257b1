-- Take a queued ticket: next epoch, a lease, and everything needed to go on, in one trip.
-- ARGV: prefix, id, owner, lease_ms, queue, claim (unique: the same claim repeated gets the same answer), event,
--   hint ('1': whoever should go first, the id being that of a message; '': this ticket only)
-- Returns {'ok', epoch, time, what it goes on by of the row (`CLAIMED` in fallbacks/ledger/claims.py), journal, id}, or the state of
-- the ticket that was named.
local named, hint = ID, ARGV[8] == '1'
local function look()
  return redis.call('HMGET', T, 'state', 'epoch', 'since', 'steps', 'claim', 'generation', 'first_claimed', 'sweeps', 'source',
    'priority', 'step')
end
local function taken(epoch)
  local r = redis.call('HMGET', T, 'body', 'limits', 'losses', 'deadline', 'door', 'trace', 'standing', 'answers')
  return {'ok', epoch, AT, r, redis.call('LRANGE', J, 0, -1), ID}
end

local lent = hint and redis.call('GET', P .. 'claim:' .. ARGV[6])
if lent then at_ticket(lent) end
local row = look()
if row[1] == 'running' and row[5] == ARGV[6] then return taken(row[2]) end
if lent then return {row[1] or 'unknown'} end

-- The first in line; in one of eight claims whoever has waited longest, where that is long.
local function first(may_be_oldest)
  local head = redis.pcall('ZRANGE', P .. 'line', 0, 0, 'WITHSCORES')
  if head[1] and may_be_oldest and NOW % 8 == 0 then
    local oldest = redis.call('ZRANGE', P .. 's:queued', 0, 0, 'WITHSCORES')
    local urgent = tonumber(head[2]) < 2 ^ 50
    if oldest[1] and NOW - oldest[2] > (urgent and 900000 or 300000) then return oldest[1] end
  end
  return head[1], head[2]
end
local function worked_on() -- nil where it cannot be
  return readable(function()
    local found = look()
    redis.call('LLEN', J)
    kept(found[2]); kept(found[3])
    return found[1] == 'queued' and found
  end)
end
local turn, before
if hint then
  for try = 1, 20 do
    local id, score = first(try == 1)
    if not id then break end
    if id == named and row[1] == 'queued' then
      turn = score
      break
    end
    at_ticket(id)
    local found = id ~= named and worked_on()
    if found then
      before, row, turn = row, found, score
      break
    end
    take_out(P .. 'line')
    at_ticket(named)
  end
end
if row[1] ~= 'queued' then return {row[1] or 'unknown'} end
if redis.call('HGET', P .. 'control', 'paused:' .. ARGV[5]) then return {'paused'} end
local generation = redis.call('HGET', P .. 'generation', 'n') or '1'
local failed_over = generation ~= (row[6] or '1') -- a worker may hold epochs that this server never heard of
local epoch, since, lease_ms = int(kept(row[2]) + (failed_over and 1000 or 1)), kept(row[3]), whole(ARGV[4])
sorted(P .. 's:running', P .. 'due')

append(ARGV[7], epoch)
if failed_over then redis.call('HSET', T, 'generation', generation) end
if row[8] then redis.call('HDEL', T, 'sweeps') end
observe('queue_wait_seconds', (NOW - since) / 1000)
place('queued', 'running', 'epoch', epoch, 'owner', ARGV[3], 'claim', ARGV[6], 'steps_before', row[4] or '0',
  'first_claimed', row[7] or AT, 'lease', int(NOW + lease_ms))
due_at(NOW + lease_ms)
if turn then redis.pcall('ZADD', P .. 'shares', 'GT', turn, math.floor(turn / 2 ^ 50) .. '|') end
local answer = taken(epoch)
if before then
  redis.call('SET', P .. 'claim:' .. ARGV[6], ID, 'PX', 60000)
  at_ticket(named)
  local stands = before[1] == 'queued' and redis.pcall('ZSCORE', P .. 'line', ID) -- not where another version put it in the queue
  if before[1] == 'queued' and not stands then line_up(before[9] or '', before[10], before[11]) end
end
return answer
