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

local function inbox_sized(indexes) -- those that hold anything; how much in all
  local held, size = {}, 0
  for _, index in ipairs(indexes) do
    local members = redis.call('ZCARD', P .. index)
    if members > 0 then held[#held + 1] = index end
    size = size + members
  end
  return held, size
end
-- The group among whose people an item goes round that comes into the inbox, or to another group in it; nil where it does not.
-- before: the facets it stood under; former: who gives it up; both may be nil.
local function goes_round(facets, before, former)
  local fields, stood, group = {}, {}, nil
  for _, facet in ipairs(before or {}) do stood[facet] = true end
  for i, facet in ipairs(facets) do
    if facet == 'assigned' then return nil end
    fields[i] = 'rotation:' .. facet
  end
  for i, on in ipairs(fields[1] and redis.call('HMGET', P .. 'control', unpack(fields)) or {}) do
    if on and (former or not stood[facets[i]]) then group = facets[i] end
  end
  return group
end
-- Whose it becomes: of the group's people who are not away whoever has least, and of these who was given one longest ago.
-- has: how many items are theirs, by name.
local function next_in_turn(group, former, has)
  local best
  local users = redis.call('HGETALL', P .. 'users')
  for i = 1, #users, 2 do
    local name, user = users[i], readable(function() return cjson.decode(users[i + 1]) end) or {}
    local comes = name ~= former and ((user.hash or '') ~= '' or (user.subject or '') ~= '')
    for _, team in ipairs(comes and user.teams or {}) do
      if team == group then
        local own = redis.call('HMGET', P .. 'person:' .. name, 'away_until', 'turn_at')
        local one = {name = name, has = has(name), at = tonumber(own[2]) or 0}
        local first = not best or one.has < best.has or (one.has == best.has and (one.at < best.at or (one.at == best.at and name < best.name)))
        if (tonumber(own[1]) or 0) <= NOW and first then best = one end
      end
    end
  end
  return best and best.name
end

-- Whether all that waits is in the indexes of `within`. What a process of a version that had none of what is of no group has put there
-- is added to that one, the last of `seen`, a thousand at a time; where nothing can be written, at another time.
local function inbox_parted(within)
  local index = within.seen[#within.seen]
  if not index then return false end
  local function astray() return redis.call('ZCARD', P .. 'inbox') - select(2, inbox_sized(within.seen)) - select(2, inbox_sized(within.unseen)) end
  local left = astray()
  if left <= 0 then return left == 0 end
  local keys, facet, known = {P .. 'inbox'}, string.sub(index, 7), nil
  for _, indexes in ipairs({within.seen, within.unseen}) do
    for _, index in ipairs(indexes) do keys[#keys + 1] = P .. index end
  end
  local ids = redis.call('ZDIFF', #keys, unpack(keys))
  local function look()
    local facets = cjson.decode(redis.call('HGET', T, 'facets'))
    known = false
    for _, each in ipairs(facets) do known = known or each == facet end
    facets[#facets + 1] = not known and facet or nil
    return cjson.encode(facets)
  end
  for i = 1, math.min(#ids, 1000) do
    at_ticket(ids[i])
    local facets = readable(look)
    if facets and not known and type(redis.pcall('HSET', T, 'facets', facets)) == 'table' then return false end
    if facets then redis.pcall('ZADD', P .. index, redis.call('ZSCORE', P .. 'inbox', ID), ID) end
  end
  return astray() == 0
end
-- What waits for a person, in order, to `see` until that returns true.
-- q: all, none, any (indexes to stand in, in none of, in at least one of; no any: all the same); within (none of its `unseen`, of which an item stands
-- in one at most; seen: all others of that kind, none where they are not known); due_in (ms from now: due until then); waited (ms: for at least so long);
-- asleep (whether it is snoozed, absent: either way); by ('due', 'since'); desc
local function inbox_narrowed(q) -- where one of `any` at most holds anything, it is one more to stand in, and the same of `seen`
  local function in_one_of(indexes)
    local held = inbox_sized(indexes)
    if #held > 1 then return held end
    q.all[#q.all + 1] = held[1] or indexes[1]
  end
  q.any = q.any and in_one_of(q.any)
  if q.within and inbox_parted(q.within) then
    q.among = in_one_of(q.within.seen)
  elseif q.within then
    for _, index in ipairs(q.within.unseen) do q.none[#q.none + 1] = index end
  end
  q.none = inbox_sized(q.none)
  return q
end
local function inbox_merged(indexes, desc, due) -- pages of what stands in any of them, by its score; due: the last one
  local readers = {}
  local function read(r)
    local stop = math.min(r.first + r.many, r.last)
    r.page = r.first < stop and redis.call(desc and 'ZREVRANGE' or 'ZRANGE', r.index, r.first, stop - 1, 'WITHSCORES') or {}
    r.first, r.at, r.many = stop, -1, 500
  end
  local function step(r)
    r.at = r.at + 2
    if r.at > #r.page then
      read(r)
      r.at = 1
    end
    r.id, r.score = r.page[r.at], tonumber(r.page[r.at + 1])
  end
  for i, index in ipairs(indexes) do
    local r = {index = P .. index, first = 0, last = redis.call('ZCARD', P .. index), at = 1, page = {}, many = 50}
    local until_due = due and redis.call('ZCOUNT', r.index, '-inf', int(due)) or r.last
    if desc then r.first = r.last - until_due else r.last = until_due end
    readers[i] = r
    step(r)
  end
  local function before(one, other)
    if one.score ~= other.score then return (one.score < other.score) ~= (desc or false) end
    return (one.id < other.id) ~= (desc or false)
  end
  return function(many)
    local ids = {}
    while #ids < many do
      local best
      for _, r in ipairs(readers) do
        if r.id and (not best or before(r, best)) then best = r end
      end
      if not best then break end
      ids[#ids + 1] = best.id
      step(best)
    end
    return ids
  end
end
local function inbox_ranked(q) -- pages of the fewest that may match, by when they are due; those are `walked` then
  local size, first = math.huge, 0
  q.walked = 'inbox'
  for _, index in ipairs(q.all) do
    local members = redis.call('ZCARD', P .. index)
    if members < size then q.walked, size = index, members end
  end
  local due = q.due_in and NOW + q.due_in
  if q.among and select(2, inbox_sized(q.among)) < size then
    q.walked = q.among
    return inbox_merged(q.among, q.desc, due)
  end
  local index = q.walked
  local last = redis.call('ZCARD', P .. index)
  if due then
    local until_due = redis.call('ZCOUNT', P .. index, '-inf', int(due))
    if q.desc then first = last - until_due else last = until_due end
  end
  return function(many)
    local stop = math.min(first + many, last)
    if first >= stop then return {} end
    local ids = redis.call(q.desc and 'ZREVRANGE' or 'ZRANGE', P .. index, first, stop - 1)
    first = stop
    return ids
  end
end
local function inbox_scores(q, ids) -- by what a page is ranked; of what is there
  local scores = {}
  for _, index in ipairs(q.by == 'since' and {'s:suggested', 's:handed_off', 's:rejected'} or {'inbox'}) do
    for i, score in ipairs(#ids > 0 and redis.call('ZMSCORE', P .. index, unpack(ids)) or {}) do scores[i] = scores[i] or score end
  end
  return scores
end
-- Where what stands in all that is asked for is not many, these are put in order, and `few` is set: walking would look at many more. Of `among`
-- stays what holds any of it. Servers before Redis 7 cannot say how many.
local function inbox_few(q)
  local lists, most, found, all, held = q.among or {q.all[1]}, 2000, {}, {}, {}
  if not lists[1] or (q.by == 'due' and #q.all + (q.among and 1 or 0) < 2) then return nil end
  for i, index in ipairs(q.all) do if q.among or i > 1 then all[#all + 1] = P .. index end end
  local left, limited = most, {unpack(all)}
  limited[#limited + 1] = 'LIMIT'
  limited[#limited + 1] = most + 1
  for _, index in ipairs(lists) do
    local members = all[1] and redis.pcall('ZINTERCARD', #all + 1, P .. index, unpack(limited)) or redis.call('ZCARD', P .. index)
    if type(members) ~= 'number' then return nil end
    left = left - members
    if members > 0 then held[#held + 1] = index end
  end
  q.among = q.among and held
  if left < 0 then return nil end
  for _, index in ipairs(lists) do
    local ids = all[1] and redis.call('ZINTER', #all + 1, P .. index, unpack(all)) or redis.call('ZRANGE', P .. index, 0, -1)
    for _, id in ipairs(ids) do found[#found + 1] = id end
  end
  local scores, at = inbox_scores(q, found), {}
  for i, id in ipairs(found) do at[id] = tonumber(scores[i] or 0) end
  table.sort(found, function(one, other)
    if q.desc then one, other = other, one end
    return at[one] < at[other] or (at[one] == at[other] and one < other)
  end)
  q.few = true
  local first = 0
  return function(many)
    local ids = {unpack(found, first + 1, math.min(first + many, #found))}
    first = first + many
    return ids
  end
end
local function inbox_pages(q)
  local few = inbox_few(q)
  if few then return few end
  if q.by == 'since' then return inbox_merged({'s:suggested', 's:handed_off', 's:rejected'}, q.desc) end
  return inbox_ranked(q)
end
local function inbox_fits(q) -- which ids of a page match: a table of truths
  local snoozed, few = {}, redis.call('ZCOUNT', P .. 'snoozed', '(' .. AT, '+inf') <= 1000
  if q.asleep ~= nil and few then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'snoozed', '(' .. AT, '+inf')) do snoozed[id] = true end
  end
  return function(ids)
    local fits = {}
    for i, id in ipairs(ids) do fits[i] = not few or q.asleep == nil or (snoozed[id] or false) == q.asleep end
    local function look(index, passes)
      for i, score in ipairs(redis.call('ZMSCORE', index, unpack(ids))) do fits[i] = fits[i] and passes(score and tonumber(score)) end
    end
    local function look_in(indexes, passes) -- at least one
      local stands = {}
      for _, index in ipairs(indexes) do
        for i, score in ipairs(redis.call('ZMSCORE', P .. index, unpack(ids))) do stands[i] = stands[i] or passes(score) end
      end
      for i = 1, #ids do fits[i] = fits[i] and stands[i] end
    end
    local function there(score) return score end
    for _, index in ipairs(q.few and {} or q.all) do if index ~= q.walked then look(P .. index, there) end end
    for _, index in ipairs(q.none) do look(P .. index, function(score) return not score end) end
    if q.any then look_in(q.any, there) end
    if q.among and q.among ~= q.walked and not q.few then look_in(q.among, there) end
    if q.asleep ~= nil and not few then
      look(P .. 'snoozed', function(score) return ((score or 0) > NOW) == q.asleep end)
    end
    if q.due_in and (q.few or q.by == 'since') then look(P .. 'inbox', function(score) return score and score <= NOW + q.due_in end) end
    if q.waited then
      look_in({'s:suggested', 's:handed_off', 's:rejected'}, function(score) return score and tonumber(score) <= NOW - q.waited end)
    end
    return fits
  end
end
local function inbox_items(q, see)
  local live = redis.call('ZCOUNT', P .. 'snoozed', '(' .. AT, '+inf')
  if q.asleep and live == 0 or q.asleep == false and live >= redis.call('ZCARD', P .. 'inbox') then return end
  local page, many = inbox_pages(q), 50
  local fitting = inbox_fits(q)
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
