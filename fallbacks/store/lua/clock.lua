-- Look at store time, and say what a step of the server's clock was: a process knows how long ago it looked.
-- Needs: alerts
-- ARGV: prefix, '', the step that was found ('' for none), by how many ms the clock stepped ('' only to look; 0: the time
--   has passed, with nobody there)
-- Returns {store time, the step that nobody has judged, '' for none}.
local step, clock = redis.call('GET', P .. 'clock_step') or '', redis.call('GET', P .. 'clock')
if ARGV[4] == '' or step ~= ARGV[3] then
  if not clock then redis.call('SET', P .. 'clock', int(NOW) .. '+0') end
  return {int(NOW), step}
end
clock = clock or int(NOW) .. '+0'
local by, passed = whole(ARGV[4]), kept(step ~= '' and step)
local quiet_until = by ~= 0 and alertable('clock_stepped')

if step ~= '' then redis.call('DEL', P .. 'clock_step') end
if by == 0 then
  NOW = NOW + passed
  redis.call('SET', P .. 'clock', string.format('%s%+.0f', string.sub(clock, 1, 13), tonumber(string.sub(clock, 14)) + passed))
else
  raise_other_alert('clock_stepped', 'error', int(by), quiet_until)
  redis.call('DEL', P .. 'alert:clock_stepped:tickets') -- it is of no ticket
end
return {int(NOW), ''}
