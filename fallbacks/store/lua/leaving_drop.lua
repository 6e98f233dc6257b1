-- Take tickets that history has out of the store, with all that is theirs, and keep count so that the audit still balances.
-- One that changed since it was read (a note, an outcome sent again) stays for the next time. What it was is remembered
-- for as long as whoever asked history before accepting may take to accept.
-- ARGV: prefix, '', state, how long to remember them (ms), id, version, id of the requester ('' for none), id...
-- Returns the ids of those that went.
local went = {}
local ms = int(whole(ARGV[4]))
sorted(P .. 's:' .. ARGV[3])
counters('left', 'left_spent', 'left_overbilled', 'left_' .. ARGV[3])
for i = 5, #ARGV, 3 do
  at_ticket(ARGV[i])
  local row = readable(function()
    local r = redis.call('HMGET', T, 'state', 'version', 'delivery', 'spent', 'overbilled', 'digest', 'keys', 'outbox')
    kept(r[4]); kept(r[5])
    return {r, redis.call('HKEYS', P .. 'messages:' .. ID)}
  end)
  local r = row and row[1]
  if r and r[1] == ARGV[3] and r[2] == ARGV[i + 1] and r[3] ~= 'pending' then
    for _, mail in ipairs(row[2]) do
      if redis.pcall('GET', P .. 'thread:' .. mail) == ID then redis.call('DEL', P .. 'thread:' .. mail) end
    end
    for out in string.gmatch(r[8] or '', '%S+') do
      if redis.pcall('HGET', P .. 'out:' .. out, 'outcome') == 'delivered' then redis.call('DEL', P .. 'out:' .. out) end
    end
    for key in string.gmatch(r[7] or '', '%S+') do
      local ttl = redis.call('PTTL', P .. 'idem:' .. key)
      if ttl > tonumber(ms) then redis.call('PEXPIRE', P .. 'idem:' .. key, ms) end
    end
    if ARGV[i + 2] ~= '' then redis.pcall('LREM', P .. 'req:' .. ARGV[i + 2], 0, ID) end
    redis.call('ZREM', P .. 's:' .. r[1], ID)
    touched()
    redis.call('DEL', T, J, P .. 'effects:' .. ID, P .. 'original:' .. ID, P .. 'messages:' .. ID, P .. 'left:' .. ID)
    redis.call('HSET', P .. 'left:' .. ID, 'digest', r[6] or '', 'state', r[1])
    redis.call('PEXPIRE', P .. 'left:' .. ID, ms)
    redis.call('HINCRBY', P .. 'n', 'left', 1)
    redis.call('HINCRBY', P .. 'n', 'left_' .. r[1], 1)
    redis.call('HINCRBY', P .. 'n', 'left_spent', r[4] or '0')
    if r[5] then redis.call('HINCRBY', P .. 'n', 'left_overbilled', r[5]) end
    went[#went + 1] = ID
  end
end
return went
