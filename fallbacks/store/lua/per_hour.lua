-- How many tickets entered a state (and are still in it) in each of the last hours, the current one last.
-- ARGV: prefix, '', state, hours
local counts, hour = {}, math.floor(NOW / 3600000)
for i = hour - tonumber(ARGV[4]) + 1, hour do
  counts[#counts + 1] = redis.call('ZCOUNT', P .. 's:' .. ARGV[3], int(i * 3600000), '(' .. int((i + 1) * 3600000))
end
return counts
