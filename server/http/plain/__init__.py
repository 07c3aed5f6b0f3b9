"""The plain HTTP API: search, rerankers and embeddings for programs that do not speak MCP."""
