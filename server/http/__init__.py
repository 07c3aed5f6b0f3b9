"""MCP over HTTP, for teams: the application, who may call it, and how much it takes on."""
