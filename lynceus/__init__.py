"""The top floor: command line, wiring, options, logs. The only place where the parts meet."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lynceus")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
