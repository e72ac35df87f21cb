"""``python -m domcaps`` is the command line tool."""

from domcaps.cli import main

main()
