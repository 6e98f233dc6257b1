-- Which server this is: its replication id, and the one of the primary that it was a replica of, false where it was none.
local function server_identity()
  local info = redis.call('INFO', 'replication')
  local before = string.match(info, 'master_replid2:(%w+)')
  return {id = string.match(info, 'master_replid:(%w+)') or '', before = before and string.find(before, '[1-9a-f]') and before}
end

local function failed_over(known, server) return known and known ~= server.id and server.before and true or false end
