-- At home: a hash that every shard has a copy of, with a version that is greater whenever it has changed, a lost write included.
-- ARGV: prefix, '', hash. Returns {version, ms that it lives for or -1, field, value...}.
local flat, pairs_of, H, C = redis.call('HGETALL', P .. ARGV[3]), {}, ARGV[3], P .. 'copies'
for i = 1, #flat, 2 do pairs_of[#pairs_of + 1] = cjson.encode({flat[i], flat[i + 1]}) end
table.sort(pairs_of)
local digest, known = redis.sha1hex(table.concat(pairs_of)), redis.call('HMGET', C, 'digest:' .. H, 'version:' .. H)
local version = kept(known[2])
if known[1] ~= digest then
  version = math.max(version + 1, NOW)
  redis.call('HSET', C, 'digest:' .. H, digest, 'version:' .. H, int(version))
end
return {int(version), redis.call('PTTL', P .. ARGV[3]), unpack(flat)}
