-- Take a queued ticket: next epoch, a lease, and everything needed to go on, in one trip.
-- ARGV: prefix, id, owner, lease_ms, queue, claim (unique: the same claim repeated gets the same answer), event
local row = redis.call('HMGET', T, 'state', 'epoch', 'since', 'steps', 'claim', 'generation', 'first_claimed', 'sweeps')
if not row[1] then return {'unknown'} end
if row[1] == 'running' and row[5] == ARGV[6] then
  return {'ok', row[2], AT, redis.call('HGETALL', T), redis.call('LRANGE', J, 0, -1)}
end
if row[1] ~= 'queued' then return {row[1]} end
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
return {'ok', epoch, AT, redis.call('HGETALL', T), redis.call('LRANGE', J, 0, -1)}
