-- Hold the most urgent inbox item that nobody holds and that is not snoozed, for one person.
-- ARGV: prefix, '', person, hold_ms, how many to read at once, index ('inbox' or 'inbox:facet'), event, skip id...
local skip = {}
for i = 8, #ARGV do skip[ARGV[i]] = true end
local function urgent_first() -- page by page: the whole of it is read only where nothing is free
  local first, many = 0, tonumber(ARGV[5])
  local page, at = redis.call('ZRANGE', P .. ARGV[6], 0, many - 1), 0
  return function()
    at = at + 1
    if at > many then
      first, at = first + many, 1
      page = redis.call('ZRANGE', P .. ARGV[6], first, first + many - 1)
    end
    return page[at]
  end
end
local function look() -- at the item, whether it is free
  local row = redis.call('HMGET', T, 'holder', 'held_until', 'snoozed_until', 'epoch')
  row.live = row[1] and kept(row[2]) > NOW
  local held = row.live and row[1] ~= ARGV[3]
  if held or kept(row[3]) > NOW then return nil end
  redis.call('LLEN', J)
  return row
end
local held_until = int(NOW + whole(ARGV[4]))
for id in urgent_first() do
  at_ticket(id)
  local row = not skip[id] and readable(look)
  if row then
    local live = row.live
    redis.call('HSET', T, 'holder', ARGV[3], 'held_until', held_until)
    if row[1] and not live then count('human_leases_expired') end
    if not live then redis.call('HSET', T, 'held_since', AT) end
    if row[1] ~= ARGV[3] then append(ARGV[7], row[4]) end
    return id
  end
end
return false
