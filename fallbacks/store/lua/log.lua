-- Write down what somebody did, newest first. ARGV: prefix, '', list, lines to keep, line (JSON object)
local L = P .. ARGV[3]
redis.call('LLEN', L)
local keep = whole(ARGV[4])
redis.call('LPUSH', L, '{"at":' .. AT .. ',' .. string.sub(ARGV[5], 2))
redis.call('LTRIM', L, 0, int(keep - 1))
return 1
