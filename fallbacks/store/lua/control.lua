-- Change what is switched at run time, and write down who changed it. What is so already is no change.
-- ARGV: prefix, '', header {who, keep (lines), deployed (true: of what runs), changes [[field, value] or [field]: removed]}. Returns the lines written.
local h = cjson.decode(ARGV[3])
local C, made = h.deployed and P .. 'deployed' or P .. 'control', {}
redis.call('LLEN', P .. 'control_log')
redis.call('HLEN', C)
whole(h.keep)
for _, change in ipairs(h.changes) do
  local field, after, before = change[1], change[2], redis.call('HGET', C, change[1]) or nil
  if before ~= after then
    if after then redis.call('HSET', C, field, after) else redis.call('HDEL', C, field) end
    local line = cjson.encode({who = h.who, what = field, before = before, after = after})
    made[#made + 1] = '{"at":' .. AT .. ',' .. string.sub(line, 2)
    redis.call('LPUSH', P .. 'control_log', made[#made])
  end
end
if #made > 0 then
  redis.call('LTRIM', P .. 'control_log', 0, h.keep - 1)
  if not h.deployed then redis.call('HSET', C, 'changed_by', h.who, 'changed_at', AT) end
end
return made
