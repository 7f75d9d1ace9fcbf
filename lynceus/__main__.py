"""`python -m lynceus` is the lynceus command."""

from lynceus.cli import main

if __name__ == "__main__":
    main()
