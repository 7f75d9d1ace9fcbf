"""From an Application's source to the objects it asks for: Git mirrors, render tools, the render cache.

Nothing here talks to Kubernetes or decides a policy; `controller.sources.service.SourceService` is what the loop calls.
"""
