-- Plain reads in many shards of one node: one call instead of one of each shard. It writes nothing.
-- ARGV: prefix (of no shard that has a clock, where it is asked of a node), '', reads (JSON: [[command, key, argument...], ...]; the
--   argument `NOW` is the shard's store time), prefix of each shard
-- Returns for each shard its answers, in order; nothing where it is not, or not whole, on this node, or one of its reads failed.
local reads, found = cjson.decode(ARGV[3]), {}
local function now_of(prefix) -- what is not made up yet of a step (see _prelude.lua) is that of its last script
  local c = redis.pcall('GET', prefix .. 'clock')
  return int(NOW - AHEAD + (type(c) == 'string' and tonumber(string.sub(c, 11)) or 0))
end
for i = 4, #ARGV do
  local index, answers = ARGV[i], {}
  local now = string.find(ARGV[3], '"NOW"', 1, true) and now_of(index)
  for j, read in ipairs(reads) do
    local call = {read[1], index .. read[2]}
    for k = 3, #read do call[k] = read[k] == 'NOW' and now or read[k] end
    local answer = redis.pcall(unpack(call))
    if type(answer) == 'table' and answer.err then
      answers = false
      break
    end
    answers[j] = answer
  end
  found[#found + 1] = answers
end
return found
