-- In a shard: give back what it does not use of a cap. ARGV: prefix, '', purse
-- Returns {what it has drawn, what it has given back, spent, reserved}.
local D, drawn_field, back_field, _, used = purse(ARGV[3])
local d = redis.call('HMGET', D, drawn_field, back_field)
local drawn, back, spent, reserved = kept(d[1]), kept(d[2]), used()
local unused = drawn - back - spent - reserved
if unused > 0 then
  back = back + unused
  redis.call('HSET', D, back_field, int(back))
end
return {int(drawn), int(back), int(spent), int(reserved)}
