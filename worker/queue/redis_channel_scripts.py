"""The Lua of the peek channel. A message is in its list, in `unacked` or in the poison list; never only in a worker."""

_FORGET = """
local function forget(first) -- the tags from this argument on; in parts, as one call takes only so many
  for at = first, #ARGV, 500 do
    local tags = {unpack(ARGV, at, math.min(at + 499, #ARGV))}
    redis.call('ZREM', KEYS[2], unpack(tags))
    redis.call('HDEL', KEYS[1], unpack(tags))
  end
end
"""

CLAIM = (
    _FORGET
    + """
-- KEYS: unacked, index, poison, list...; ARGV: tag, longest (bytes), most, queue name of each list, tags to forget...
local function fault_of(raw)
  if #raw > tonumber(ARGV[2]) then return 'the message is longer than ' .. ARGV[2] .. ' bytes' end
  local read, m = pcall(cjson.decode, raw)
  if not read then return 'the message is not JSON' end
  if type(m) ~= 'table' then return 'the message is not a JSON object' end
  if type(m.properties) ~= 'table' then return 'the message has no properties' end
  if type(m.properties.delivery_tag) ~= 'string' then return 'the message has no delivery_tag' end
  if type(m.properties.delivery_info) ~= 'table' then return 'the message has no delivery_info' end
  if type(m.headers) ~= 'table' then return 'the message has no headers' end
  if type(m.headers.task) ~= 'string' then return 'the headers name no task' end
  if type(m.headers.id) ~= 'string' then return 'the headers name no id' end
end
local t, most, found, poisoned = redis.call('TIME'), tonumber(ARGV[3]), {}, 0
local now = t[1] .. '.' .. string.format('%06d', t[2])
forget(#KEYS + 1)
for i = 4, #KEYS do
  while #found < most and poisoned < 100 do -- a bound on one script's time; the next call goes on
    local raw = redis.call('LINDEX', KEYS[i], -1)
    if not raw then break end
    local fault = fault_of(raw)
    if not fault then
      local tag = ARGV[1] .. '-' .. #found
      redis.call('HSET', KEYS[1], tag, '[' .. raw .. ',"","' .. ARGV[i] .. '"]')
      redis.call('ZADD', KEYS[2], now, tag)
      found[#found + 1] = {i - 3, tag, raw}
    else
      poisoned = poisoned + 1
      local head = {id = ARGV[1] .. '-' .. poisoned .. '-bad', error = fault, queue = ARGV[i]}
      redis.call('LPUSH', KEYS[3], cjson.encode(head) .. '\\n' .. raw)
    end
    redis.call('RPOP', KEYS[i])
  end
end
return found
"""
)

FORGET = (
    _FORGET
    + """
-- KEYS: unacked, index, poison; ARGV: tag...
forget(1)
"""
)

_RAW_AND_QUEUE = """
local function raw_and_queue(held) -- as stored: [raw,"exchange","queue"]; the tail is cut off, raw stays as it came
  local tail, queue = string.match(held, '(, ?"[^"]*", ?"([^"]*)"%])$')
  return tail and string.sub(held, 2, -#tail - 1), queue
end
"""

POISON = (
    _RAW_AND_QUEUE
    + """
-- KEYS: unacked, index, poison; ARGV: tag, header
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
redis.call('LPUSH', KEYS[3], ARGV[2] .. '\\n' .. (raw_and_queue(held) or held))
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
"""
)

RESTORE = (
    _RAW_AND_QUEUE
    + """
-- KEYS: unacked, index, poison; ARGV: key prefix, RPUSH or LPUSH, oldest (seconds, '' for tags), most, tag...
local tags = {unpack(ARGV, 5)}
if ARGV[3] ~= '' then
  local now = redis.call('TIME')[1]
  for _, tag in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], now + 60, '+inf')) do -- the clock went back meanwhile
    redis.call('ZADD', KEYS[2], now, tag)
  end
  local ceiling = now - ARGV[3]
  tags = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ceiling, 'LIMIT', 0, ARGV[4])
end
local restored = 0
for _, tag in ipairs(tags) do
  local held = redis.call('HGET', KEYS[1], tag)
  local raw, queue
  if held then raw, queue = raw_and_queue(held) end
  if raw and queue ~= '' then
    redis.call(ARGV[2], ARGV[1] .. queue, raw)
    restored = restored + 1
  elseif held then
    redis.call('LPUSH', KEYS[3], cjson.encode({id = tag, error = 'its queue is unknown', queue = ''}) .. '\\n' .. held)
  end
  redis.call('HDEL', KEYS[1], tag)
  redis.call('ZREM', KEYS[2], tag)
end
return restored
"""
)
