-- At home: whose turn it is in a group in rotation, of an item in a shard. ARGV: prefix, '', group, who gives it up or '';
-- of each person: name, how many items are theirs. Returns the name, '' where nobody is there.
local sizes = {}
for i = 5, #ARGV, 2 do sizes[ARGV[i]] = whole(ARGV[i + 1]) end
local turn = next_in_turn(ARGV[3], ARGV[4] ~= '' and ARGV[4] or nil, function(name) return sizes[name] or 0 end)
if turn then redis.call('HSET', P .. 'person:' .. turn, 'turn_at', AT) end
return turn or ''
