-- Keys of a family and what each says of itself: a text itself, or a field of a hash ('' where it has none).
-- ARGV: prefix, '', pattern, cursor, count, field ('' for texts)
-- Returns {next cursor, {key, value, key, value...}}, keys without the prefix.
local page = redis.call('SCAN', ARGV[4], 'MATCH', P .. ARGV[3], 'COUNT', ARGV[5])
local found = {}
for _, name in ipairs(page[2]) do
  found[#found + 1] = string.sub(name, #P + 1)
  local value
  if ARGV[6] == '' then value = redis.pcall('GET', name) else value = redis.pcall('HGET', name, ARGV[6]) end
  found[#found + 1] = type(value) == 'string' and value or ''
end
return {page[1], found}
