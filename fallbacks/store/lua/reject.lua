-- Keep what could not be read as a ticket: whole, visible, alerted.
-- ARGV: prefix, id, header {origin, error, sla_in, facets, severity}, raw (base64), event
if redis.call('HLEN', T) > 0 or redis.call('EXISTS', P .. 'left:' .. ID) == 1 then return {'seen', ID} end
local h = cjson.decode(ARGV[3])
local facets, quiet_until, sla = faceted(h.facets), alertable('unreadable'), NOW + whole(h.sla_in)
sorted(P .. 's:rejected')
counters('accepted', 'alerts_raised')

append(ARGV[5], 0)
place(nil, 'rejected', 'raw', ARGV[4], 'source', h.origin, 'priority', 'normal', 'accepted', AT, 'version', '1',
  'epoch', '0', 'losses', '0', 'spent', '0', 'reason', 'unreadable', 'detail', h.error, 'queue', 'rejected',
  'facets', cjson.encode(facets), 'sla', int(sla))
redis.call('HINCRBY', P .. 'n', 'accepted', 1)
enter_inbox(sla, facets)
redis.call('HINCRBY', P .. 'n', 'alerts_raised', 1)
raise_alert('unreadable', h.severity, quiet_until)
return {'new', ID}
