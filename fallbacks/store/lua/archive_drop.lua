-- Take archived tickets out of the store, and keep count of them so that the audit still balances.
-- One that changed since it was read (a note, an outcome sent again) stays for the next time.
-- ARGV: prefix, '', state, id, version, id, version...
-- Returns how many went.
local went = 0
sorted(P .. 's:' .. ARGV[3])
counters('archived', 'archived_spent', 'archived_overbilled')
for i = 4, #ARGV, 2 do
  at_ticket(ARGV[i])
  local row = readable(function()
    local r = redis.call('HMGET', T, 'state', 'version', 'delivery', 'spent', 'overbilled')
    kept(r[4]); kept(r[5])
    return r
  end)
  if row and row[1] == ARGV[3] and row[2] == ARGV[i + 1] and row[3] ~= 'pending' then
    redis.call('ZREM', P .. 's:' .. row[1], ID)
    touched()
    redis.call('DEL', T, J, P .. 'effects:' .. ID, P .. 'original:' .. ID, P .. 'messages:' .. ID)
    redis.call('HINCRBY', P .. 'n', 'archived', 1)
    redis.call('HINCRBY', P .. 'n', 'archived_spent', row[4] or '0')
    if row[5] then redis.call('HINCRBY', P .. 'n', 'archived_overbilled', row[5]) end
    went = went + 1
  end
end
return went
