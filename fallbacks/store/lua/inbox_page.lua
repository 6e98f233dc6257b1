-- A page of what waits for people.
-- ARGV: prefix, '', what is wanted (JSON, see `inbox_items`), how many to pass over, how many at most.
-- Returns how many match, and ids.
local q, first, many = cjson.decode(ARGV[3]), whole(ARGV[4]), whole(ARGV[5])
local total, ids = 0, {}
inbox_items(q, function(id)
  total = total + 1
  if total > first and #ids < many then ids[#ids + 1] = id end
end)
return {total, ids}
