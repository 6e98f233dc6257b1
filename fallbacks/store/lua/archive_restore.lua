-- Bring an archived ticket back, as it left. Another version: whoever still holds it for archived drops it no more.
-- ARGV: prefix, id, row, effects, what is kept beside it, messages (id to digest; all JSON), journal...
-- Returns its version, false where it is there already.
if redis.call('HLEN', T) > 0 then return false end
local row, effects, E, O = cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), P .. 'effects:' .. ID, P .. 'original:' .. ID
local spent, overbilled, version, since = kept(row.spent), kept(row.overbilled), kept(row.version) + 1, kept(row.since)
local fields, done, beside, messages, M = {}, {}, {}, {}, P .. 'messages:' .. ID
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
texts(row.state)
sorted(P .. 's:' .. row.state)
redis.call('HLEN', E); redis.call('HLEN', O); redis.call('LLEN', J); redis.call('HLEN', M)
counters('archived', 'archived_spent', 'archived_overbilled')
local most = math.max(#fields, #done, #beside, #messages)
if #ARGV < 7 or most > 4000 then error('no events, or too many fields') end -- what Lua can hand over is bounded

redis.call('DEL', J, E, O, M)
for i = 7, #ARGV, 4000 do redis.call('RPUSH', J, unpack(ARGV, i, math.min(i + 3999, #ARGV))) end
redis.call('HSET', T, unpack(fields))
redis.call('HSET', T, 'version', int(version))
if done[1] then redis.call('HSET', E, unpack(done)) end
if beside[1] then redis.call('HSET', O, unpack(beside)) end
if messages[1] then redis.call('HSET', M, unpack(messages)) end
redis.call('ZADD', P .. 's:' .. row.state, int(since), ID)
touched()
redis.call('HINCRBY', P .. 'n', 'archived', -1)
redis.call('HINCRBY', P .. 'n', 'archived_spent', int(-spent))
if overbilled > 0 then redis.call('HINCRBY', P .. 'n', 'archived_overbilled', int(-overbilled)) end
return int(version)
