-- The rate of a source: a minute's worth of tickets may come at once; one too many has its turn when those before it have had
-- theirs (GCRA). How long the next ticket waits, ms, and what `take_turn` is to be given.
local function source_turn(source, per_minute)
  local turn = math.max(NOW, kept(redis.call('GET', P .. 'rate:source:' .. (source or ''))))
  return turn - 60000 - NOW + 60000 / whole(per_minute), math.ceil(turn + 60000 / per_minute)
end
local function take_turn(source, turn)
  redis.call('SET', P .. 'rate:source:' .. (source or ''), int(turn), 'PX', int(turn - NOW + 60000))
end
