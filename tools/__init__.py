"""One module per MCP tool: its arguments, one call of the Python API, its result."""
