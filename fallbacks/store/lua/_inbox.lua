-- The inbox: one index of everything, one per facet value, all scored by when a person should have looked.
-- facets: a list, checked first by `faceted`. before: those it stands under, nil where it is not in the inbox.
local function faceted(facets)
  sorted(P .. 'inbox')
  for _, facet in ipairs(facets) do sorted(P .. 'inbox:' .. facet) end
  return facets
end
local function leave_inbox(before)
  if not before then return end
  take_out(P .. 'inbox')
  for _, facet in ipairs(before) do take_out(P .. 'inbox:' .. facet) end
  redis.call('HDEL', T, 'facets', 'sla', 'holder', 'held_until', 'held_since', 'snoozed_until')
end

local function enter_inbox(sla, facets, before)
  leave_inbox(before)
  redis.call('HSET', T, 'facets', cjson.encode(facets), 'sla', int(sla))
  redis.call('ZADD', P .. 'inbox', int(sla), ID)
  for _, facet in ipairs(facets) do redis.call('ZADD', P .. 'inbox:' .. facet, int(sla), ID) end
end
