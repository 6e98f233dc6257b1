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
-- q: all, none, any (indexes to stand in, in none of, in at least one of; no any: all the same); due_in (ms from now: due until then); waited (ms: for at least so long);
-- asleep (whether it is snoozed, absent: either way); by ('due', 'since'); desc
local function inbox_narrowed(q) -- where one of `any` at most holds anything, it is one more to stand in
  local held = {}
  for _, index in ipairs(q.any or {}) do
    if redis.call('ZCARD', P .. index) > 0 then held[#held + 1] = index end
  end
  if q.any and #held <= 1 then
    q.all[#q.all + 1] = held[1] or q.any[1]
    q.any = nil
  end
  local full = {}
  for _, index in ipairs(q.none) do
    if redis.call('ZCARD', P .. index) > 0 then full[#full + 1] = index end
  end
  q.none = full
  return q
end
local function inbox_merged(desc) -- pages of what waits in any state, by since when
  local readers = {}
  for i, state in ipairs({'suggested', 'handed_off', 'rejected'}) do
    readers[i] = {index = P .. 's:' .. state, first = 0, at = 1, page = {}}
  end
  local function head(r)
    if r.at > #r.page then
      r.page = redis.call(desc and 'ZREVRANGE' or 'ZRANGE', r.index, r.first, r.first + 499, 'WITHSCORES')
      r.first, r.at = r.first + 500, 1
    end
    return r.page[r.at], tonumber(r.page[r.at + 1])
  end
  return function(many)
    local ids = {}
    while #ids < many do
      local best, score
      for _, r in ipairs(readers) do
        local id, own = head(r)
        if id and (not best or (desc and own > score) or (not desc and own < score)) then best, score = r, own end
      end
      if not best then break end
      ids[#ids + 1] = best.page[best.at]
      best.at = best.at + 2
    end
    return ids
  end
end
local function inbox_ranked(q) -- pages of the smallest index that it stands in, by when it is due
  local least, size, first = P .. 'inbox', math.huge, 0
  for _, index in ipairs(q.all) do
    local members = redis.call('ZCARD', P .. index)
    if members < size then least, size = P .. index, members end
  end
  local last = redis.call('ZCARD', least)
  if q.due_in then
    local due = redis.call('ZCOUNT', least, '-inf', int(NOW + q.due_in))
    if q.desc then first = last - due else last = due end
  end
  return function(many)
    local stop = math.min(first + many, last)
    if first >= stop then return {} end
    local ids = redis.call(q.desc and 'ZREVRANGE' or 'ZRANGE', least, first, stop - 1)
    first = stop
    return ids
  end
end
local function inbox_fits(q) -- which ids of a page match: a table of truths
  local snoozed, few = {}, redis.call('ZCOUNT', P .. 'snoozed', '(' .. AT, '+inf') <= 1000
  if q.asleep ~= nil and few then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'snoozed', '(' .. AT, '+inf')) do snoozed[id] = true end
  end
  return function(ids)
    local fits, long = {}, {}
    for i, id in ipairs(ids) do fits[i] = not few or q.asleep == nil or (snoozed[id] or false) == q.asleep end
    local function look(index, passes)
      for i, score in ipairs(redis.call('ZMSCORE', index, unpack(ids))) do fits[i] = fits[i] and passes(score and tonumber(score)) end
    end
    if q.by == 'since' or #q.all > 1 then
      for _, index in ipairs(q.all) do look(P .. index, function(score) return score end) end
    end
    for _, index in ipairs(q.none) do look(P .. index, function(score) return not score end) end
    if q.any then
      local stands = {}
      for _, index in ipairs(q.any) do
        for i, score in ipairs(redis.call('ZMSCORE', P .. index, unpack(ids))) do stands[i] = stands[i] or score end
      end
      for i = 1, #ids do fits[i] = fits[i] and stands[i] end
    end
    if q.asleep ~= nil and not few then
      look(P .. 'snoozed', function(score) return ((score or 0) > NOW) == q.asleep end)
    end
    if q.due_in and q.by == 'since' then look(P .. 'inbox', function(score) return score and score <= NOW + q.due_in end) end
    if not q.waited then return fits end
    for _, state in ipairs({'suggested', 'handed_off', 'rejected'}) do
      for i, score in ipairs(redis.call('ZMSCORE', P .. 's:' .. state, unpack(ids))) do
        long[i] = long[i] or (score and tonumber(score) <= NOW - q.waited)
      end
    end
    for i = 1, #ids do fits[i] = fits[i] and long[i] end
    return fits
  end
end
local function inbox_scores(q, ids) -- by what a page is ranked; of what is there
  local scores = {}
  for _, index in ipairs(q.by == 'since' and {'s:suggested', 's:handed_off', 's:rejected'} or {'inbox'}) do
    for i, score in ipairs(#ids > 0 and redis.call('ZMSCORE', P .. index, unpack(ids)) or {}) do scores[i] = scores[i] or score end
  end
  return scores
end
local function inbox_items(q, see)
  local live = redis.call('ZCOUNT', P .. 'snoozed', '(' .. AT, '+inf')
  if q.asleep and live == 0 or q.asleep == false and live >= redis.call('ZCARD', P .. 'inbox') then return end
  local page, fitting, many = q.by == 'since' and inbox_merged(q.desc) or inbox_ranked(q), inbox_fits(q), 50
  repeat
    local ids = page(many)
    if #ids == 0 then return end
    local fits = fitting(ids)
    for i = 1, #ids do
      if fits[i] and see(ids[i]) then return end
    end
    many = 500
  until false
end
