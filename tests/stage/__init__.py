"""The stage: servers that tests start and stop and their own tests."""
