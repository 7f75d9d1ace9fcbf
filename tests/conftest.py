"""What all tests share. Fixtures that start servers live in tests/stage."""

import os

os.environ.pop("KUBECONFIG", None)  # no test may ever reach the cluster of whoever runs it

pytest_plugins = ["tests.plugins.rows", "tests.stage.fixtures", "pytester"]
