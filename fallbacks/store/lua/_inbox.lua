-- The inbox: one index of everything, one per facet value, all scored by when a person should have looked.
-- facets: a list, checked first by `faceted`. before: those it stands under, nil where it is not in the inbox.
-- The caller writes the row: `facets` and `sla`, or that they are gone; and takes it out of `snoozed` with that field.
local function faceted(facets)
  sorted(P .. 'inbox')
  for _, facet in ipairs(facets) do sorted(P .. 'inbox:' .. facet) end
  return facets
end
local function leave_inbox(before, gone) -- gone: gets the fields of the row that go with it
  take_out(P .. 'inbox')
  for _, facet in ipairs(before) do take_out(P .. 'inbox:' .. facet) end
  for _, field in ipairs({'facets', 'sla', 'holder', 'held_until', 'held_since', 'snoozed_until'}) do gone[#gone + 1] = field end
end

local function enter_inbox(sla, facets)
  redis.call('ZADD', P .. 'inbox', int(sla), ID)
  for _, facet in ipairs(facets) do redis.call('ZADD', P .. 'inbox:' .. facet, int(sla), ID) end
end

-- What waits for a person, in order, to `see` until that returns true.
-- q: all, none (indexes to stand in, and in none of); due_in (ms from now: due until then); waited (ms: for at least so long);
-- asleep (whether it is snoozed, absent: either way); by ('due', 'since'); desc
local function inbox_reader(index, desc) -- its members by score; `head` is the one at hand, nil at the end
  local r, many = {first = 0, at = 1, page = {}}, 50 -- the first ones will often do
  function r.step()
    r.at = r.at + 2
    if r.at > #r.page then
      r.page = redis.call(desc and 'ZREVRANGE' or 'ZRANGE', index, r.first, r.first + many - 1, 'WITHSCORES')
      r.first, r.at, many = r.first + many, 1, 500
    end
    r.head, r.score = r.page[r.at], tonumber(r.page[r.at + 1] or '0')
  end
  r.step()
  return r
end
local function inbox_order(q) -- what comes next, nil at the end
  local by_state, readers = {'suggested', 'handed_off', 'rejected'}, {}
  if q.by == 'since' then
    for i, state in ipairs(by_state) do readers[i] = inbox_reader(P .. 's:' .. state, q.desc) end
  else
    local least, size = P .. 'inbox', math.huge
    for _, index in ipairs(q.all) do
      local many = redis.call('ZCARD', P .. index)
      if many < size then least, size = P .. index, many end
    end
    readers[1] = inbox_reader(least, q.desc)
  end
  return function()
    local best
    for _, r in ipairs(readers) do
      if r.head and (not best or (q.desc and r.score > best.score) or (not q.desc and r.score < best.score)) then best = r end
    end
    if not best then return nil end
    local id = best.head
    best.step()
    return id
  end
end
local function inbox_fitting(q, ids) -- which of them match
  local fits = {}
  for i = 1, #ids do fits[i] = true end
  local function look(index, passes)
    for i, score in ipairs(redis.call('ZMSCORE', index, unpack(ids))) do fits[i] = fits[i] and passes(tonumber(score or nil)) end
  end
  for _, index in ipairs(q.all) do look(P .. index, function(score) return score ~= nil end) end
  for _, index in ipairs(q.none) do look(P .. index, function(score) return score == nil end) end
  if q.asleep ~= nil then
    look(P .. 'snoozed', function(score) return (score ~= nil and score > NOW) == q.asleep end)
  end
  if q.due_in then look(P .. 'inbox', function(score) return score ~= nil and score <= NOW + q.due_in end) end
  if not q.waited then return fits end
  local long = {}
  for _, state in ipairs({'suggested', 'handed_off', 'rejected'}) do
    for i, score in ipairs(redis.call('ZMSCORE', P .. 's:' .. state, unpack(ids))) do
      long[i] = long[i] or (score and tonumber(score) <= NOW - q.waited)
    end
  end
  for i = 1, #ids do fits[i] = fits[i] and long[i] end
  return fits
end
local function inbox_items(q, see)
  local following, ids, many = inbox_order(q), {}, 50
  repeat
    local id = following()
    if id then ids[#ids + 1] = id end
    if #ids > 0 and (#ids == many or not id) then
      local fits = inbox_fitting(q, ids)
      for i = 1, #ids do
        if fits[i] and see(ids[i]) then return end
      end
      ids, many = {}, 500
    end
  until not id
end
