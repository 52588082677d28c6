"""A script of the project that holds no task; importing it ends the program."""

raise SystemExit("meant to be run, not imported")
