"""A day in the life of a fleet, compressed: the real program, scraped by a real Prometheus."""
