"""Tools of MCP servers: only those that a tools file names, as they were when they were allowed."""
