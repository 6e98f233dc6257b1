-- Bring a ticket back from history, as it left. Another version: whoever still holds it for one that leaves drops it no more.
-- ARGV: prefix, id, row, effects, what is kept beside it, messages (id to digest), what left of it ({message of the outbox,
--   its fields}); all JSON; journal...
-- Returns its version, false where it is there already.
if redis.call('HLEN', T) > 0 then return false end
local row, effects, E, O = cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), P .. 'effects:' .. ID, P .. 'original:' .. ID
local spent, overbilled, version, since = kept(row.spent), kept(row.overbilled), kept(row.version) + 1, kept(row.since)
local fields, done, beside, messages, sent, M = {}, {}, {}, {}, {}, P .. 'messages:' .. ID
for field, value in pairs(row) do
  texts(value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
for key, value in pairs(effects) do
  texts(value)
  done[#done + 1] = key
  done[#done + 1] = value
end
for field, value in pairs(cjson.decode(ARGV[5])) do
  texts(value)
  beside[#beside + 1] = field
  beside[#beside + 1] = value
end
for id, digest in pairs(cjson.decode(ARGV[6])) do
  texts(digest)
  messages[#messages + 1] = id
  messages[#messages + 1] = digest
end
for id, message in pairs(cjson.decode(ARGV[7])) do
  redis.call('HLEN', P .. 'out:' .. id)
  local flat = {}
  for field, value in pairs(message) do
    texts(value)
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  sent[#sent + 1] = {P .. 'out:' .. id, flat}
end
texts(row.state)
sorted(P .. 's:' .. row.state)
redis.call('HLEN', E); redis.call('HLEN', O); redis.call('LLEN', J); redis.call('HLEN', M)
counters('left', 'left_spent', 'left_overbilled', 'left_' .. row.state)
local most = math.max(#fields, #done, #beside, #messages)
if #ARGV < 8 or most > 4000 then error('no events, or too many fields') end -- what Lua can hand over is bounded

redis.call('DEL', J, E, O, M, P .. 'left:' .. ID)
for i = 8, #ARGV, 4000 do redis.call('RPUSH', J, unpack(ARGV, i, math.min(i + 3999, #ARGV))) end
redis.call('HSET', T, unpack(fields))
redis.call('HSET', T, 'version', int(version))
if done[1] then redis.call('HSET', E, unpack(done)) end
if beside[1] then redis.call('HSET', O, unpack(beside)) end
if messages[1] then redis.call('HSET', M, unpack(messages)) end
for _, message in ipairs(sent) do
  redis.call('HSET', message[1], unpack(message[2]))
  redis.call('PEXPIRE', message[1], 604800000)
end
redis.call('ZADD', P .. 's:' .. row.state, int(since), ID)
touched()
redis.call('HINCRBY', P .. 'n', 'left', -1)
redis.call('HINCRBY', P .. 'n', 'left_' .. row.state, -1)
redis.call('HINCRBY', P .. 'n', 'left_spent', int(-spent))
if overbilled > 0 then redis.call('HINCRBY', P .. 'n', 'left_overbilled', int(-overbilled)) end
return int(version)
