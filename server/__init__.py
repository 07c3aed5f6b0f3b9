"""The application: the command line and the MCP server."""
