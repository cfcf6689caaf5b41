"""`python -m server`: the same as `parley`."""

from server.cli import main

main()
