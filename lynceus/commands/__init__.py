"""One module per command of the `lynceus` command line; lynceus.cli imports each only when it is asked for."""
