-- Some fields of many rows: one command of a few words instead of many of many.
-- ARGV: prefix, '', how many fields, fields..., ids of tickets...
local fields, found = {}, {}
for i = 4, 3 + ARGV[3] do fields[#fields + 1] = ARGV[i] end
for i = 4 + ARGV[3], #ARGV do
  at_ticket(ARGV[i])
  found[#found + 1] = redis.call('HMGET', T, unpack(fields))
end
return found
