-- Keep what could not be read as a ticket: whole, visible, alerted.
-- ARGV: prefix, id, header {origin, error, sla_in, facets, severity}, raw (base64), event
if redis.call('EXISTS', T) == 1 then return {'seen', ID} end
local h = cjson.decode(ARGV[3])
redis.call('HSET', T, 'raw', ARGV[4], 'source', h.origin, 'priority', 'normal', 'accepted', int(NOW), 'version', 1,
  'epoch', 0, 'losses', 0, 'spent', 0, 'reason', 'unreadable', 'detail', h.error, 'queue', 'rejected')
place('rejected')
redis.call('HINCRBY', P .. 'n', 'accepted', 1)
enter_inbox(NOW + h.sla_in, h.facets)
append(ARGV[5], 0)
raise_alert('unreadable', h.severity)
return {'new', ID}
