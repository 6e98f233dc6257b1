-- One observation of a histogram, its sum in thousandths.
local function observe(name, value)
  local bounds, le = name == 'run_steps' and {0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20}
    or {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400}, '+Inf'
  for _, bound in ipairs(bounds) do
    if value <= bound then le = bound; break end
  end
  count(name .. '|le=' .. le)
  count(name .. '|sum', int(math.floor(value * 1000 + 0.5)))
end

-- A run's end, whoever brings it about. since: when it began (ms).
local function end_run(outcome, reason, since, steps, steps_before)
  count('runs|outcome=' .. outcome .. '|reason=' .. reason)
  observe('run_duration_seconds', (NOW - since) / 1000)
  observe('run_steps', steps - steps_before)
end
