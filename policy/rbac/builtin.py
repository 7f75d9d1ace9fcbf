"""The two roles that exist without any policy: role:readonly and role:admin, and admin bound to the latter.

Same rights as Argo CD's built-in policy, one action to a line, so that a decision can name its line.
Source: Argo CD assets/builtin-policy.csv.
"""

from __future__ import annotations

from policy.rbac.vocabulary import WITH_SLASH

SOURCE = "built-in policy"

ROLES = ("role:admin", "role:readonly")

_READ = (
    "applications applicationsets certificates clusters repositories write-repositories projects accounts gpgkeys logs"
)

_ADMIN = {
    "applications": "create update update/* delete delete/* sync rollback override action/*",
    "applicationsets": "get create update delete",
    "certificates": "create update delete",
    "clusters": "create update delete",
    "repositories": "create update delete",
    "write-repositories": "create update delete",
    "projects": "create update delete",
    "accounts": "update",
    "gpgkeys": "create delete",
    "exec": "create debug",
}


def _line(role: str, resource: str, action: str) -> str:
    target = "*/*" if resource in WITH_SLASH else "*"
    return f"p, {role}, {resource}, {action}, {target}, allow"


TEXT = "\n".join(
    [
        *(_line("role:readonly", resource, "get") for resource in _READ.split()),
        *(_line("role:admin", resource, action) for resource, actions in _ADMIN.items() for action in actions.split()),
        "g, role:admin, role:readonly",
        "g, admin, role:admin",
    ]
)
"""Policy CSV."""
