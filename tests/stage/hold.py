"""`python -m tests.stage.hold NAME`: keep a control plane up between test runs that have LYNCEUS_STAGE=NAME set."""

import os
import signal
import sys

from tests.stage.control_plane import attach


def main() -> None:
    """Start or join the control plane of that name and hold it until Ctrl-C or SIGTERM."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.stage.hold NAME")
    os.environ["LYNCEUS_STAGE"] = sys.argv[1]
    held = attach()
    print(f"export LYNCEUS_STAGE={sys.argv[1]}\nexport KUBECONFIG={held.directory}/kubeconfig", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
