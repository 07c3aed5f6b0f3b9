"""Run the command line as `python -m resift`."""

from .server.cli.app import main

main()
