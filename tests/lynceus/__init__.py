"""Tests of the command line, its options, logs and wiring."""
