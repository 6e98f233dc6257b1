-- Check one page of ticket rows against their indexes, their journals and their effects; each row in one moment.
-- ARGV: prefix, '', SCAN cursor, keys to look at, states that stand in due (JSON), states that stand in the inbox (JSON)
-- Returns {next cursor, {id, spent, ...}, {id, what, ...}, effects done, effects open}.
local waits, people = cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
local glob = string.gsub(P, '[%*%?%[%]%^\\]', '\\%0') .. 't:*'
local page = redis.call('SCAN', ARGV[3], 'MATCH', glob, 'COUNT', ARGV[4])
local spent, problems, done, open = {}, {}, 0, 0

local function wrong(what)
  problems[#problems + 1] = ID
  problems[#problems + 1] = what
end

local function stands_in(index) return redis.call('ZSCORE', P .. index, ID) and true or false end

local function check_indexes(state, facets)
  if not stands_in('s:' .. state) then wrong('is ' .. state .. ' and missing from its state index') end
  if waits[state] and not stands_in('due') then wrong('is ' .. state .. ' and due at no time') end
  if not waits[state] and stands_in('due') then wrong('is ' .. state .. ' and yet due') end
  if not people[state] and stands_in('inbox') then wrong('is ' .. state .. ' and yet in the inbox') end
  if not people[state] then return end
  if not stands_in('inbox') then wrong('is ' .. state .. ' and missing from the inbox') end
  for _, facet in ipairs(cjson.decode(facets or '[]')) do
    if not stands_in('inbox:' .. facet) then wrong('is missing from inbox:' .. facet) end
  end
end

-- What the journal says was paid, and how often each effect began and ended.
local function read_journal()
  local paid, begun, ended, answered = 0, {}, {}, false
  for _, event in ipairs(redis.call('LRANGE', J, 0, -1)) do
    local kind, rest = string.match(event, '^{"at":%d+,"epoch":%d+,"type":"([a-z_]+)"()')
    if kind == 'model_replied' or kind == 'model_failed' or kind == 'call_lost' then
      paid = paid + tonumber(string.match(event, '.*"cost_nanodollars":(%d+)') or '0') -- the last: content comes before
    elseif kind == 'effect_begun' or kind == 'effect_ended' then
      local count, key = kind == 'effect_begun' and begun or ended, cjson.decode(event).key
      count[key] = (count[key] or 0) + 1
    elseif kind == 'resumed' or kind == 'closed' or kind == 'cancelled'
      or (kind == 'decided' and not string.find(event, '^,"v":%d+,"by":"agent",', rest)) then
      answered = true -- a person looked at what the agent left open
    end
  end
  return paid, begun, ended, answered
end

local function check_money(r, paid)
  local charged, held = tonumber(r[2] or '0'), tonumber(r[3] or '0')
  if charged ~= paid then wrong('has spent ' .. int(charged) .. ' and its journal says ' .. int(paid)) end
  if r[3] and r[1] ~= 'running' then wrong('holds a reservation of ' .. int(held) .. ' and is ' .. r[1]) end
  if r[1] == 'running' and not (r[4] and r[5]) then wrong('is running without owner or lease') end
  local cap = tonumber(string.match(r[6] or '', '"max_cost_nanodollars": ?(%d+)'))
  if cap and charged + held > cap then wrong('has spent or reserved ' .. int(charged + held) .. ' of ' .. int(cap)) end
end

local function check_effects(state, begun, ended, answered)
  local effects = redis.call('HGETALL', P .. 'effects:' .. ID)
  local known = {}
  for i = 1, #effects, 2 do
    local key, is_done = effects[i], string.sub(effects[i + 1], 1, 5) == 'done:'
    known[key] = true
    if is_done then done = done + 1 else open = open + 1 end
    if begun[key] ~= 1 then wrong('began the effect ' .. key .. ' ' .. (begun[key] or 0) .. ' times') end
    if (ended[key] or 0) ~= (is_done and 1 or 0) then wrong('ended the effect ' .. key .. ' ' .. (ended[key] or 0) .. ' times') end
    if not is_done and (state == 'decided' or state == 'closed' or state == 'cancelled') and not answered then
      wrong('has ended with the effect ' .. key .. ' open')
    end
  end
  for key in pairs(begun) do
    if not known[key] then wrong('began the effect ' .. key .. ', which the books do not know') end
  end
end

for _, key in ipairs(page[2]) do
  at_ticket(string.sub(key, #P + 3))
  local r = redis.call('HMGET', T, 'state', 'spent', 'rsv', 'owner', 'lease', 'limits', 'facets')
  if r[1] then
    local paid, begun, ended, answered = read_journal()
    check_indexes(r[1], r[7])
    check_money(r, paid)
    check_effects(r[1], begun, ended, answered)
    spent[#spent + 1] = ID
    spent[#spent + 1] = r[2] or '0'
  else
    wrong('has a row without a state')
  end
end
return {page[1], spent, problems, done, open}
