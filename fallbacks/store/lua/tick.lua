-- Count some more in a fixed window that starts with the first. ARGV: prefix, '', name, window (seconds), how many
if whole(ARGV[4]) > MOST / 1000 then error('a number is out of range') end
local count = redis.call('INCRBY', P .. ARGV[3], int(whole(ARGV[5])))
if count == tonumber(ARGV[5]) then redis.call('EXPIRE', P .. ARGV[3], ARGV[4]) end
return count
