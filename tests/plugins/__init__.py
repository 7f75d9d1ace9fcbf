"""Small pytest plugins of this repository."""
