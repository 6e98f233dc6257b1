-- Look up an API key for one request and count the request against the key's minute, if the secret's digest fits.
-- ARGV: prefix, '', key id ('' when none was shown), digest of the shown secret, requests a minute ('' for no limit)
-- Returns {number of keys, record or '', 'ok', 'none' or 'limited', ms until the next minute begins}
local keys = redis.call('HLEN', P .. 'api_keys')
local record = ARGV[3] ~= '' and redis.call('HGET', P .. 'api_keys', ARGV[3])
if not record then return {keys, '', 'none', 0} end
local key = cjson.decode(record)
local fits = key.digest == ARGV[4] or (key.former_digest == ARGV[4] and tonumber(key.former_until) > NOW)
if not fits or key.revoked then return {keys, '', 'none', 0} end
redis.call('HLEN', P .. 'api_keys_used')
local R = P .. 'rate:key:' .. ARGV[3]
if ARGV[5] ~= '' then kept(redis.call('GET', R)) end

redis.call('HSET', P .. 'api_keys_used', ARGV[3], AT)
if ARGV[5] == '' then return {keys, record, 'ok', 0} end
local count = redis.call('INCR', R)
if count == 1 or redis.call('PTTL', R) > 60000 then redis.call('PEXPIRE', R, 60000) end -- more: the clock went back
return {keys, record, count > tonumber(ARGV[5]) and 'limited' or 'ok', redis.call('PTTL', R)}
