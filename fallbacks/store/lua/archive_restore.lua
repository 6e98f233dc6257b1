-- Bring an archived ticket back, as it left. Another version: whoever still holds it for archived drops it no more.
-- ARGV: prefix, id, row (JSON), effects (JSON), what is kept beside it (JSON), journal...
-- Returns its version, false where it is there already.
if redis.call('HLEN', T) > 0 then return false end
local row, effects, E, O = cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), P .. 'effects:' .. ID, P .. 'original:' .. ID
local spent, overbilled, version, since = kept(row.spent), kept(row.overbilled), kept(row.version) + 1, kept(row.since)
local fields, done, beside = {}, {}, {}
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
texts(row.state)
sorted(P .. 's:' .. row.state)
redis.call('HLEN', E); redis.call('HLEN', O); redis.call('LLEN', J)
counters('archived', 'archived_spent', 'archived_overbilled')
if #ARGV < 6 or #fields > 4000 or #done > 4000 or #beside > 4000 then error('no events, or too many fields') end -- what Lua can hand over is bounded

redis.call('DEL', J, E, O)
for i = 6, #ARGV, 4000 do redis.call('RPUSH', J, unpack(ARGV, i, math.min(i + 3999, #ARGV))) end
redis.call('HSET', T, unpack(fields))
redis.call('HSET', T, 'version', int(version))
if done[1] then redis.call('HSET', E, unpack(done)) end
if beside[1] then redis.call('HSET', O, unpack(beside)) end
redis.call('ZADD', P .. 's:' .. row.state, int(since), ID)
redis.call('HINCRBY', P .. 'n', 'archived', -1)
redis.call('HINCRBY', P .. 'n', 'archived_spent', int(-spent))
if overbilled > 0 then redis.call('HINCRBY', P .. 'n', 'archived_overbilled', int(-overbilled)) end
return int(version)
