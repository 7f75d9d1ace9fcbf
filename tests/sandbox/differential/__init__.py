"""The same requests to the embedded cluster and to a real API server: every answer must be the same."""
