-- Where the rate of a source is kept over a cluster: take the turn of one ticket. ARGV: prefix, '', source, tickets a minute,
-- '1' where one too many is refused. Returns {'ok', when it is, ms} or {'limited', ms to wait}.
local wait, turn = source_turn(ARGV[3], whole(ARGV[4]))
if wait > 0 and ARGV[5] == '1' then return {'limited', int(math.ceil(wait))} end
take_turn(ARGV[3], turn)
return {'ok', int(math.ceil(NOW + math.max(wait, 0)))}
