"""`lynceus demo`: a story in numbered, checked steps on the embedded cluster or on somebody's own.

A step that does not hold is said so and makes the exit code 1; nothing is printed as done that was not seen through
the Kubernetes API, the HTTP API or a scrape of /metrics.
"""
