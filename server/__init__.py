"""The application: settings, command line, MCP assembly."""
