"""Run the command line as `python -m resift`."""

from .server.cli import main

main()
