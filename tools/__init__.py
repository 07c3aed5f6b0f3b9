"""One module per MCP tool: its arguments, one call of the API, its reply."""
