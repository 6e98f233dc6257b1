-- How many items the saved views hold. Ready to approve are suggestions, and calls that wait: an item is one of them at most. ARGV: prefix, '', indexes that this person does not see (JSON).
-- Returns {awake, ready to approve, overdue, asleep}: what is asleep is in the last one only.
local all, asleep = P .. 'inbox', P .. 'snoozed'
local suggestions, approvals = P .. 'inbox:queue:suggestions', P .. 'inbox:queue:approvals'
local n = {redis.call('ZCARD', all), redis.call('ZCARD', suggestions) + redis.call('ZCARD', approvals), redis.call('ZCOUNT', all, '-inf', AT), redis.call('ZCOUNT', asleep, '(' .. AT, '+inf')}
local function subtract(ids, unseen)
  if #ids == 0 then return end
  local due = redis.call('ZMSCORE', all, unpack(ids))
  local suggested, asked = redis.call('ZMSCORE', suggestions, unpack(ids)), redis.call('ZMSCORE', approvals, unpack(ids))
  local snoozed = unseen and redis.call('ZMSCORE', asleep, unpack(ids)) or {}
  for i = 1, #ids do
    local sleeps = snoozed[i] and tonumber(snoozed[i]) > NOW
    if sleeps and unseen then
      n[4] = n[4] - 1
    elseif due[i] then
      n[1] = n[1] - 1
      if suggested[i] or asked[i] then n[2] = n[2] - 1 end
      if tonumber(due[i]) <= NOW then n[3] = n[3] - 1 end
    end
  end
end
local function walk(index, first, unseen)
  repeat
    local ids = redis.call('ZRANGE', index, first, first + 499)
    subtract(ids, unseen)
    first = first + 500
  until #ids < 500
end
if n[4] >= n[1] then
  n[1], n[2], n[3] = 0, 0, 0 -- all of it is asleep
else
  walk(asleep, redis.call('ZCOUNT', asleep, '-inf', AT), false)
end
for _, index in ipairs(cjson.decode(ARGV[3])) do walk(P .. index, 0, true) end
return n
