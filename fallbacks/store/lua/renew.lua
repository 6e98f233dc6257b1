-- Renew every lease of one process at once. Returns the ids whose lease is gone.
-- ARGV: prefix, '', owner, lease_ms, id, epoch, id, epoch...
local gone = {}
for i = 5, #ARGV, 2 do
  at_ticket(ARGV[i])
  if holds(ARGV[i + 1], ARGV[3]) then lease_until(tonumber(ARGV[4])) else gone[#gone + 1] = ARGV[i] end
end
return gone
