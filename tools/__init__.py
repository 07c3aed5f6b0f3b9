"""One module per MCP tool: its arguments, one call into the floors below, its result."""
