"""The top floor: command line, wiring, options, logs. The only place where the parts meet."""

__version__: str
"""Of the installed distribution; looked up on first use, for importlib.metadata takes a tenth of a short command."""


def __getattr__(name: str) -> str:
    """Look the version up; nothing else is made on demand."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("lynceus")
    except PackageNotFoundError:  # a source tree that was never installed
        found = "0+unknown"
    globals()[name] = found
    return found
