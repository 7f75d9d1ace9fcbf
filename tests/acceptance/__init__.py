"""Acceptance tables: what somebody who knows the rules, but not the code, expects of policies and windows."""
