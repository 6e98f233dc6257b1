-- Count some more in a fixed window that starts with the first. ARGV: prefix, '', name, window (seconds), how many
if whole(ARGV[4]) > MOST / 1000 then error('a number is out of range') end
local count = redis.call('INCRBY', P .. ARGV[3], int(whole(ARGV[5])))
local stepped = redis.call('TTL', P .. ARGV[3]) > tonumber(ARGV[4]) -- the clock went back: the window would not end
if count == tonumber(ARGV[5]) or stepped then redis.call('EXPIRE', P .. ARGV[3], ARGV[4]) end
return count
