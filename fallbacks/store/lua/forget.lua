-- Take whole keys out. ARGV: prefix, '', key...
-- Returns how many there were.
local gone = 0
for i = 3, #ARGV do gone = gone + redis.call('DEL', P .. ARGV[i]) end
return gone
