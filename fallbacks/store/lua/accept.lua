-- Accept a ticket: its row first, so that it is never only a message. Sending it again changes nothing.
-- A ticket that is not to be worked yet (its producer's eta) is parked until then, and its longest wait begins then.
-- ARGV: prefix, id, header {digest, limits, source, priority, door, sent_by, requester, who, trace, idem, due_in, wait_ms, not_before, expires;
--   closed, detail: it ends at once, without a decision; original: what it was read from, attached: texts of what was
--   attached; bounced: digest of the address that a bounce is about; answers: tickets; unasked: history could not be
--   asked whether it was here before; step: of its source, see line_up; aside: no worker is to take it;
--   rate: tickets of its source per minute, where none is switched; refuse: one too many is refused, and not parked until
--   its turn; turn: when that is, which a shard does not know and asks for (`turn`, see source_turn.lua)}, body, event,
--   event of closing or parking (only with closed or not_before)
local h = cjson.decode(ARGV[3])
local function remember_key() -- for a week from its first use; history knows the row's when it has left
  if not h.idem then return end
  local keys = redis.call('HGET', T, 'keys')
  if not keys or #keys < 1000 then redis.call('HSET', T, 'keys', (keys and keys .. ' ' or '') .. h.idem) end
  redis.call('HSET', P .. 'idem:' .. h.idem, 'id', ID, 'digest', h.digest)
  redis.call('PEXPIRE', P .. 'idem:' .. h.idem, 604800000)
end
local known_key = false
if h.idem then
  local seen = redis.call('HMGET', P .. 'idem:' .. h.idem, 'id', 'digest')
  if seen[1] then
    if seen[2] ~= h.digest then return {'conflict', seen[1]} end
    known_key = redis.call('EXISTS', P .. 't:' .. seen[1], P .. 'left:' .. seen[1]) > 0
    if known_key then at_ticket(seen[1]) end
  end
end
local row = redis.call('HMGET', T, 'digest', 'state')
if row[2] then -- a rejected message has a row without a digest: it is never overwritten
  if row[1] ~= h.digest then return {'conflict', ID} end
  if not known_key then remember_key() end
  return {'seen', ID, row[2]}
end
local left = redis.call('HMGET', P .. 'left:' .. ID, 'digest', 'state') -- since history was asked
if left[2] then
  if left[1] ~= h.digest then return {'conflict', ID} end
  return {'seen', ID, left[2]}
end
local turn, rated
local rate = tonumber(redis.call('HGET', P .. 'control', 'rate:' .. (h.source or '')) or h.rate)
if rate and not h.closed and not h.aside then
  if shard() then
    if not h.turn then return {'turn', int(whole(rate))} end
    rated = whole(h.turn) > NOW and whole(h.turn)
  else
    local wait
    wait, turn = source_turn(h.source, rate)
    if wait > 0 and h.refuse then return {'limited', int(math.ceil(wait))} end
    rated = wait > 0 and math.ceil(NOW + wait)
  end
end
local start = math.max(NOW, whole(h.not_before or 0), rated or 0)
local state = h.closed and 'closed' or start > NOW and 'parked' or 'queued'
local due = start > NOW and start or NOW + whole(h.due_in)
local deadline = math.min(h.expires and whole(h.expires) or MOST, h.wait_ms and start + whole(h.wait_ms) or MOST)
local generation = redis.call('HGET', P .. 'generation', 'n')
local R = P .. 'req:' .. (h.requester or '')
if h.requester then redis.call('LLEN', R) end
if h.bounced then redis.call('HLEN', P .. 'bounced:' .. h.bounced) end
if h.original or h.attached then redis.call('HLEN', P .. 'original:' .. ID) end
redis.call('LLEN', P .. 'recent')
sorted(P .. 's:' .. state, P .. 'due')
counters('accepted')
texts(h.digest, h.limits, h.source, h.priority, h.door)
local step = h.step and int(whole(h.step))

append(ARGV[5], 0)
if turn then take_turn(h.source, turn) end
if state == 'parked' and rated then
  append('{"type":"parked","v":1,"until_ms":' .. int(start) .. '}', 0)
elseif state ~= 'queued' then
  append(ARGV[6], 0)
end
local limit = not h.closed and deadline < MOST and {'deadline', int(deadline)} or {}
place(nil, state, 'digest', h.digest, 'body', ARGV[4], 'limits', h.limits, 'source', h.source, 'priority', h.priority,
  'door', h.door, 'accepted', AT, 'version', '1', 'epoch', '0', 'losses', '0', 'spent', '0', unpack(limit))
if h.sent_by then redis.call('HSET', T, 'sent_by', h.sent_by) end
for _, name in ipairs({'who', 'trace', 'answers', 'unasked'}) do if h[name] then redis.call('HSET', T, name, h[name]) end end
if step then redis.call('HSET', T, 'step', step) end
if state == 'queued' and not h.aside then line_up(h.source, h.priority, h.step) end
if generation and generation ~= '1' then redis.call('HSET', T, 'generation', generation) end
if h.closed then
  redis.call('HSET', T, 'closed', h.closed, 'detail', h.detail)
  count('closed|kind=' .. h.closed)
else
  due_at(math.min(due, math.max(deadline, NOW)))
end
redis.call('HINCRBY', P .. 'n', 'accepted', 1)
figure('accepted', h.source)
redis.call('LPUSH', P .. 'recent', cjson.encode({at = NOW, source = h.source, who = h.who}))
redis.call('LTRIM', P .. 'recent', 0, 1999)
redis.call('PEXPIRE', P .. 'recent', 86400000)
remember_key()
if h.original then redis.call('HSET', P .. 'original:' .. ID, 'zlib', h.original) end
if h.attached then redis.call('HSET', P .. 'original:' .. ID, 'attached', h.attached) end
if h.bounced then
  redis.call('HSET', P .. 'bounced:' .. h.bounced, 'at', AT, 'ticket', ID)
  redis.call('PEXPIRE', P .. 'bounced:' .. h.bounced, 7776000000)
end
if h.requester then
  redis.call('LPUSH', R, ID)
  redis.call('LTRIM', R, 0, 19)
  redis.call('PEXPIRE', R, 7776000000)
end
return {'new', ID, state}
