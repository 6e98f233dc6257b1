-- Which server this is: its replication id, and the one of the primary that it was a replica of, false where it was none.
local function server_identity()
  local info = redis.call('INFO', 'replication')
  local before = string.match(info, 'master_replid2:(%w+)')
  return {id = string.match(info, 'master_replid:(%w+)') or '', before = before and string.find(before, '[1-9a-f]') and before}
end

-- Whether a replica was promoted since a server was known. living: ids of the masters of a cluster, of which the known one is
-- still one where the slot has moved. Without them every other server that was a replica counts.
local function failed_over(known, server, living)
  if not known or known == server.id or not server.before then return false end
  return known == server.before or not (living and string.find(living, known, 1, true))
end
