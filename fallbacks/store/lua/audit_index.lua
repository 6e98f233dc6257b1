-- Look through one page of an index for entries that have no business there.
-- ARGV: prefix, '', index, ZSCAN cursor, entries to look at, states allowed there (JSON)
-- Returns {next cursor, {id, state or '', ...}}.
local allowed, strays = cjson.decode(ARGV[6]), {}
local page = redis.call('ZSCAN', P .. ARGV[3], ARGV[4], 'COUNT', ARGV[5])
for i = 1, #page[2], 2 do
  local id = page[2][i]
  local state = readable(function() return redis.call('HGET', P .. 't:' .. id, 'state') end) or ''
  if not allowed[state] then
    strays[#strays + 1] = id
    strays[#strays + 1] = state
  end
end
return {page[1], strays}
