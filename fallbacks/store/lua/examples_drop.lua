-- Drop the oldest of people's decisions, which history has.
-- ARGV: prefix, '', place of the first here, as it was read; how many
-- Returns 1, 0 where somebody else has dropped some meanwhile.
local first, many = kept(redis.call('HGET', P .. 'n', 'examples_left')), whole(ARGV[4])
if first ~= whole(ARGV[3]) or many > redis.call('LLEN', P .. 'examples') then return 0 end
redis.call('LTRIM', P .. 'examples', int(many), -1)
redis.call('HINCRBY', P .. 'n', 'examples_left', int(many))
return 1
