"""`python -m worker.cli`: the command line without its console script."""

from worker.cli import main

main()
