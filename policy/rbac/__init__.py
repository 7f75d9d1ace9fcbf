"""The RBAC policy of argocd-rbac-cm and of project roles: parse, compile, decide, explain."""
