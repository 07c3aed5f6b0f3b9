"""The command line: one module per command or per family of commands."""
