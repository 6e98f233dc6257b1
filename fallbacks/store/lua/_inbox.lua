-- The inbox: one index of everything, one per facet value, all scored by when a person should have looked.
-- facets: a list, checked first by `faceted`. before: those it stands under, nil where it is not in the inbox.
-- The caller writes the row: `facets` and `sla`, or that they are gone.
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
