-- Count one more in a fixed window that starts with the first. ARGV: prefix, '', name, window (seconds)
local count = redis.call('INCR', P .. ARGV[3])
if count == 1 then redis.call('EXPIRE', P .. ARGV[3], ARGV[4]) end
return count
