-- Tickets that have rested in a state, longest there first, whole. One whose outcome still waits to be sent, or that can be
-- undone, stays, as does one that cannot be read: only its id is returned, and whether it was read.
-- ARGV: prefix, '', state, how long they have rested (ms), offset, limit
-- Returns {id, row, journal, effects, kept beside it, ids of its messages, {message of the outbox, its fields...}} or
--   {id, '1' where it could not be read} each.
local found = {}
local rested = int(NOW - whole(ARGV[4]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 's:' .. ARGV[3], '-inf', rested, 'LIMIT', ARGV[5], ARGV[6])) do
  at_ticket(id)
  found[#found + 1] = readable(function()
    local r = redis.call('HMGET', T, 'delivery', 'undo_until', 'outbox')
    if r[1] == 'pending' or kept(r[2]) > NOW then return {id, ''} end
    local journal, effects = redis.call('LRANGE', J, 0, -1), redis.call('HGETALL', P .. 'effects:' .. id)
    local beside, messages = redis.call('HGETALL', P .. 'original:' .. id), redis.call('HKEYS', P .. 'messages:' .. id)
    local sent = {}
    for out in string.gmatch(r[3] or '', '%S+') do
      if redis.call('HGET', P .. 'out:' .. out, 'outcome') == 'delivered' then -- what is on its way stays
        sent[#sent + 1] = {out, redis.call('HGETALL', P .. 'out:' .. out)}
      end
    end
    return {id, redis.call('HGETALL', T), journal, effects, beside, messages, sent}
  end) or {id, '1'}
end
return found
