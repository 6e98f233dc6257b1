-- Put what is left of a ticket in its place, where nothing has happened to it since it was read.
-- ARGV: prefix, id, version, events that were read; row ('' where it stays) and effects (JSON); journal...
-- With its row goes what is kept beside it.
-- Returns its version then, false where it has changed.
local version, events = redis.call('HGET', T, 'version'), redis.call('LLEN', J)
if version ~= ARGV[3] or events ~= whole(ARGV[4]) then return false end
local E, fields, done = P .. 'effects:' .. ID, {}, {}
local function flat(text, into)
  for name, value in pairs(cjson.decode(text)) do
    texts(value)
    into[#into + 1] = name
    into[#into + 1] = value
  end
  if #into > 4000 then error('too many fields') end -- what Lua can hand over at once is bounded
end
if ARGV[5] ~= '' then
  flat(ARGV[5], fields)
  flat(ARGV[6], done)
  redis.call('HLEN', E)
end
texts(ARGV[7])
local now = int(kept(version) + 1)
redis.call('DEL', J)
for i = 7, #ARGV, 4000 do redis.call('RPUSH', J, unpack(ARGV, i, math.min(i + 3999, #ARGV))) end
if fields[1] then
  redis.call('DEL', T, E, P .. 'original:' .. ID) -- ids and digests of its messages stay: one that is sent again is known
  redis.call('HSET', T, unpack(fields))
  if done[1] then redis.call('HSET', E, unpack(done)) end
end
redis.call('HSET', T, 'version', now)
touched()
return now
