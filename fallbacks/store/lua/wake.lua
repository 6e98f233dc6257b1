-- What these tickets are parked for is over: they are due now. Returns how many.
-- ARGV: prefix, '', reason, id...
local woken = 0
sorted(P .. 'due')
for i = 4, #ARGV do
  at_ticket(ARGV[i])
  local row = readable(function() return redis.call('HMGET', T, 'state', 'reason') end)
  if row and row[1] == 'parked' and row[2] == ARGV[3] then
    due_at(NOW)
    woken = woken + 1
  end
end
return woken
