"""What an MCP client speaks to: the tools, prompts and instructions, and the lines of the stdio protocol."""
