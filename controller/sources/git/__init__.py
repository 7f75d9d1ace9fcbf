"""Git, read without ever checking a repository out; the only door to the GitPython package is `door`.

Callers use `mirror` (one bare repository per remote), `refs` (revision -> commit id) and `objects` (persistent reader).
"""
