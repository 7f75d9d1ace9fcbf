"""What all tests share. Fixtures that start servers live in tests/stage."""

import os

import hypothesis

os.environ.pop("KUBECONFIG", None)  # no test may ever reach the cluster of whoever runs it

pytest_plugins = ["tests.plugins.rows", "tests.stage.fixtures", "pytester"]

# A busy machine is no failure: how long an example takes is measured by the benchmarks, never here.
hypothesis.settings.register_profile("lynceus", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("lynceus")
