-- Look at store time, and say what a step of the server's clock was: a process knows how long ago it looked.
-- ARGV: prefix, '', the step that was found ('' for none), by how many ms the clock stepped ('' only to look; 0: the time
--   has passed, with nobody there)
-- Returns {store time, what it is ahead of the server's clock, the step that nobody has judged, '' for none}.
local seen = int(math.floor((NOW - AHEAD) / 1000))
local step, clock = redis.call('GET', P .. 'clock_step') or '', redis.call('GET', P .. 'clock')
if ARGV[4] == '' or step ~= ARGV[3] then
  if not clock then redis.call('SET', P .. 'clock', seen .. '+0') end
  return {int(NOW), int(AHEAD), step}
end
local by, passed = whole(ARGV[4]), kept(step ~= '' and step)
local quiet_until = by ~= 0 and alertable('clock_stepped')

if step ~= '' then redis.call('DEL', P .. 'clock_step') end
if by == 0 then
  NOW, AHEAD = NOW + passed, AHEAD + passed
  redis.call('SET', P .. 'clock', string.format('%s%+d', seen, AHEAD))
else
  raise_other_alert('clock_stepped', 'error', int(by), quiet_until)
  redis.call('DEL', P .. 'alert:clock_stepped:tickets') -- it is of no ticket
end
return {int(NOW), int(AHEAD), ''}
