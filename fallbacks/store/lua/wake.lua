-- What these tickets are parked for is over: they are due now. Returns how many.
-- ARGV: prefix, '', reason, id...
local woken = 0
for i = 4, #ARGV do
  at_ticket(ARGV[i])
  local row = redis.call('HMGET', T, 'state', 'reason')
  if row[1] == 'parked' and row[2] == ARGV[3] then
    due_at(NOW)
    woken = woken + 1
  end
end
return woken
