-- People's decisions that are here, from a place of all that ever were: those before the first that is here are in history.
-- ARGV: prefix, '', place, how many
-- Returns {place of the first here, how many are here, {those asked for}}; of places before the first here none.
local first, place = kept(redis.call('HGET', P .. 'n', 'examples_left')), whole(ARGV[3])
local from = math.max(0, place - first)
local to = place + whole(ARGV[4]) - first - 1
return {int(first), redis.call('LLEN', P .. 'examples'), to < from and {} or redis.call('LRANGE', P .. 'examples', int(from), int(to))}
