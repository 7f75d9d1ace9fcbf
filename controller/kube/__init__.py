"""The door to Kubernetes: client, discovery, watches, the store of objects, schemas. The only user of `kubernetes`.

Nothing here knows what an Application is or decides anything; the loop, compare and health read from here.
"""
