"""The real kubectl against the embedded cluster and the real control plane: one expectation for both."""
