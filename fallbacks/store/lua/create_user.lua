-- Add a person who may sign in; an existing one is left as it is.
-- ARGV: prefix, '', name, user (JSON)
return redis.call('HSETNX', P .. 'users', ARGV[3], ARGV[4])
