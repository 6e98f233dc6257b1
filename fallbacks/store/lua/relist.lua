-- Put other lines in the place of some of a list, each as often as it stands there. ARGV: prefix, '', list, old, new ('': it goes), old, new...
-- Returns how many.
local L, changed = P .. ARGV[3], 0
redis.call('LLEN', L)
if #ARGV % 2 == 0 then error('a line without another one') end
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    changed = changed + redis.call('LREM', L, 0, ARGV[i])
  else
    for _, place in ipairs(redis.call('LPOS', L, ARGV[i], 'COUNT', 0)) do
      redis.call('LSET', L, place, ARGV[i + 1])
      changed = changed + 1
    end
  end
end
return changed
