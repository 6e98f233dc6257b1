-- Which server this is. Returns {its replication id, that of the primary that it was a replica of, '' where it was none}.
local server = server_identity()
return {server.id, server.before or ''}
