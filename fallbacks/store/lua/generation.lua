-- Notice that another server serves the store: a replica was promoted, or somebody misses what it wrote and was
-- acknowledged. What runs loses its lease then, which counts as no loss, and by its next claim each ticket has an epoch
-- beyond any that a live worker may hold; what may have been begun is told apart by `begin_effect`. A restart of the same
-- server is no failover.
-- ARGV: prefix, '', '1' where the caller misses its own writes, name of the alert, its severity; in a cluster: ids of its masters
-- Returns {generation, '1' where it is new, tickets taken back}.
local G = P .. 'generation'
local known, server = redis.call('HMGET', G, 'id', 'n'), server_identity()
if ARGV[3] ~= '1' and not failed_over(known[1], server, ARGV[6]) then
  if not known[1] then redis.call('HSET', G, 'id', server.id, 'n', 1, 'at', 0) end
  if known[1] and known[1] ~= server.id then redis.call('HSET', G, 'id', server.id) end
  return {known[2] or '1', '0', 0}
end
local generation, quiet_until = math.max(kept(known[2]), 1) + 1, alertable(ARGV[4])
local running, taken = redis.call('ZRANGE', P .. 's:running', 0, -1), {}
sorted(P .. 'due')
for _, id in ipairs(running) do
  at_ticket(id)
  if readable(function() return kept(redis.call('HGET', T, 'losses')) end) then taken[#taken + 1] = id end
end

redis.call('HSET', G, 'id', server.id, 'n', int(generation), 'at', AT)
for _, id in ipairs(taken) do -- the sweep that comes next does the rest
  at_ticket(id)
  redis.call('HSET', T, 'owner', '')
  redis.call('HINCRBY', T, 'losses', -1)
  due_at(NOW)
end
at_ticket('')
raise_other_alert(ARGV[4], ARGV[5], '', quiet_until)
redis.call('DEL', P .. 'alert:' .. ARGV[4] .. ':tickets') -- it is of no ticket
return {int(generation), '1', #taken}
