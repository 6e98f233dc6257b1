-- Make due now what an owner that has ended still holds: the sweep that comes next takes it back.
-- ARGV: prefix, '', owner
-- Returns the ids.
local found = {}
sorted(P .. 'due')
for _, id in ipairs(redis.call('ZRANGE', P .. 's:running', 0, -1)) do
  at_ticket(id)
  if readable(function() return redis.call('HGET', T, 'owner') == ARGV[3] end) then found[#found + 1] = id end
end
for _, id in ipairs(found) do
  at_ticket(id)
  due_at(NOW)
end
return found
