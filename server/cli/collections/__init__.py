"""Commands that fill, change, copy and list what is stored."""
