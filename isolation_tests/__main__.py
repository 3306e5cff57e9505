"""`python -m isolation_tests` is the console script."""

from isolation_tests.cli import main

main()
