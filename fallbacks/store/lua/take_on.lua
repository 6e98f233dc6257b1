-- At home: take on what a shard passes on, each once: of each shard is kept how far it was taken on. A line `-...` is an example
-- that an undo takes back.
-- ARGV: prefix, '', shard, what it passes on (JSON, see pass_on.lua)
local p, K = cjson.decode(ARGV[4]), P .. 'taken_on'
local function fresh(what, upto) -- what was taken on before, nil where there is nothing new
  local before = kept(redis.call('HGET', K, ARGV[3] .. ' ' .. what))
  return before < upto and before or nil
end
redis.call('LLEN', P .. 'examples')
redis.call('LLEN', P .. 'calls_judged')
local alerts = {}
for _, a in ipairs(p[1]) do
  local before = fresh('alert:' .. a[1], whole(a[2]))
  if before then alerts[#alerts + 1] = {a, whole(a[2]) - before, alertable(a[1])} end
end
local news = {}
for i, what in ipairs({'examples', 'calls_judged'}) do
  local place, lines = whole(p[i + 1][1]), p[i + 1][2]
  local before = fresh(what, place + #lines)
  if before then news[#news + 1] = {what, lines, math.max(0, before - place), place + #lines} end
end

for _, alert in ipairs(alerts) do
  local a, A = alert[1], P .. 'alert:' .. alert[1][1]
  redis.call('HINCRBY', A, 'count', int(alert[2]))
  redis.call('HSETNX', A, 'first', a[3])
  redis.call('HSET', A, 'last', a[4], 'severity', a[5])
  if a[7] ~= '' then redis.call('HSET', A, 'told_as', a[7], 'about', a[6]) end
  for i = #a[8], 1, -1 do redis.call('LPUSH', A .. ':tickets', a[8][i]) end
  redis.call('LTRIM', A .. ':tickets', 0, 4)
  redis.call('ZADD', P .. 'alerts', 'NX', int(math.max(NOW, alert[3])), a[1])
  redis.call('HSET', K, ARGV[3] .. ' alert:' .. a[1], a[2])
end
for _, new in ipairs(news) do
  for i = new[3] + 1, #new[2] do
    local line = new[2][i]
    if new[1] == 'calls_judged' then redis.call('RPUSH', P .. 'calls_judged', line)
    elseif string.sub(line, 1, 1) == '-' then redis.call('LREM', P .. 'examples', -1, string.sub(line, 2))
    else redis.call('RPUSH', P .. 'examples', line) end
  end
  redis.call('HSET', K, ARGV[3] .. ' ' .. new[1], int(new[4]))
end
return 1
