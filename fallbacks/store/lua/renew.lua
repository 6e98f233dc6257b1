-- Renew every lease of one process at once. Returns the ids whose lease is gone.
-- ARGV: prefix, '', owner, lease_ms, id, epoch, id, epoch...
local gone, lease_ms = {}, whole(ARGV[4])
sorted(P .. 'due')
for i = 5, #ARGV, 2 do
  at_ticket(ARGV[i])
  local held = readable(function() return holds(ARGV[i + 1], ARGV[3]) end)
  if held then lease_until(lease_ms) else gone[#gone + 1] = ARGV[i] end
end
return gone
