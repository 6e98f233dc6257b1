-- Count one more in a fixed window that starts with the first. ARGV: prefix, '', name, window (seconds)
if whole(ARGV[4]) > MOST / 1000 then error('a number is out of range') end
local count = redis.call('INCR', P .. ARGV[3])
if count == 1 then redis.call('EXPIRE', P .. ARGV[3], ARGV[4]) end
return count
