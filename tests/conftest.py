"""What all tests share. Fixtures that start servers live in tests/stage."""
