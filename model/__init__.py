"""The ground floor: Argo CD's and Kubernetes' objects, decisions, events and errors as typed, frozen data.

Nothing here does I/O, reads a clock or logs. Every other floor may import this one; it imports none of them.
"""
