"""`python -m benchmarks [NAME…]`: runs the benchmarks and prints one JSON object a line.

Each module of this package with a `run()` is one benchmark; it measures its yardstick in the same run, since absolute
times do not carry over between machines and ratios do.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import platform
import sys

import benchmarks


def machine() -> str:
    """Return what the figures were measured on, in a few words."""
    return f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"


def main(wanted: list[str]) -> int:
    """Run the named benchmarks, or all; returns the exit code."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")
    )
    unknown = set(wanted) - set(names)
    if unknown:
        print(
            f"benchmarks: no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(names)}",
            file=sys.stderr,
        )
        return 2
    for name in wanted or names:
        module = importlib.import_module(f"benchmarks.{name}")
        if hasattr(module, "run"):
            for figure in module.run():
                print(json.dumps({"benchmark": name, **figure, "machine": machine()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
