"""Parsing in worker processes, so that a document that crashes, hangs or swells costs only itself."""
