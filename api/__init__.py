"""The public Python API, which the tools, the command line and HTTP call."""
