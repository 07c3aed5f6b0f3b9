"""Run the command line as `python -m resift`."""

from .server.entry import main

main()
