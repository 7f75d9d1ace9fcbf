"""Good texts of every kind that policy reads: what fuzzing starts from, and words to put into them."""

# ruff: noqa: E501 - tables of words, one kind to a line

from __future__ import annotations

import json
import typing as t


def _json(*values: t.Any) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


def _map(*pairs: tuple[str, str]) -> bytes:
    return "\x00".join(part for pair in pairs for part in pair).encode()


POLICY_TEXT = """# people
p, role:dev, applications, get, shop/*, allow
p, role:dev, applications, sync, shop/web, allow
p, role:dev, applications, action/apps/Deployment/restart, shop/*, allow
p, role:dev, "applications", "{get,sync}", "shop/{web,api}", deny
p, alice, logs, get, */*, allow
g, my-org:ops, role:dev
g, "a, b", role:admin
"""
POLICY = (("policy.csv", POLICY_TEXT),)
POLICIES = (
    POLICY_TEXT.encode(),
    b"p, role:a, applications, *, */*, allow\ng, alice, role:a\ng, role:a, role:b\ng, role:b, role:a",
    b"p, u, app.*, ^(get|sync)$, (?i)shop/.*, allow\np, u, clusters, get, https://.*, deny",
    b'p, "", "a""b", *, [a-c]*, allow\r\ng, x, y\r\n',
    b"\xef\xbb\xbfp, u, applications, get, [!a]/?, allow",
)
RBAC_CONFIG_MAPS = (
    _map(("policy.csv", POLICY_TEXT), ("policy.default", "role:readonly"), ("scopes", "[groups, email]")),
    _map(("policy.10.csv", "p, a, logs, get, */*, allow"), ("policy.matchMode", "regex"), ("policy.default", "role:x")),
    _map(("policy.csv", "g, alice, role:admin"), ("policy.matchMode", "glob"), ("scopes", "groups")),
)
GLOBS = (
    b"*",
    b"shop-*\x00shop-web",
    b"{a,b{c,d}}*\x00abc",
    b"[!a-c]?[xyz]\\*\x00dx*",
    b"**/x\x00a/b/x",
    b"*a*a*a*a*a*a*a*b\x00" + b"a" * 120,
)
EXPRESSIONS = (
    b"^applications$",
    b"(a|aa)+$\x00aaaaaaaa",
    b"(?i)\\p{L}+[[:alpha:]]{1,9}\x00Shop",
    b"\\Qa.b\\E|x{2,5}?",
    b"(?P<n>a)(?:b)(?s).\\x{10FFFF}",
    b"a++",
    b"(?=x)",
)
SCHEDULES = (
    b"0 9 * * 1-5",
    b"*/15 0-6/2,8 1,15 jan-MAR Mon,fri",
    b"TZ=Europe/Paris 0 0 29 2 *",
    b"? ? , ? ?",
    b"CRON_TZ=UTC 5/20 * 31 4,6 *",
    b"0\t0 +30  2 *",
)
DURATIONS = (b"8h", b"1h30m", b"-1.5h", b"2562047h47m16.854775807s", b".5s", b"1us2\xc2\xb5s3ns", b"0", b"1.h")
TIMES = (
    b"2026-12-20T00:00:00Z",
    b"2026-12-20t00:00:00.123456789+14:00",
    b"0001-01-01T00:00:00-23:59",
    b"9999-12-31T23:59:60Z",
)
ZONES = (b"Europe/Amsterdam", b"UTC", b"America/Argentina/Buenos_Aires", b"../../etc/localtime", b"Etc/GMT+5", b"Local")
URLS = (
    b"https://github.com/argoproj/argocd-example-apps.git",
    b"git@github.com:argoproj/x",
    b"ssh://git@host:22/a/b.git/",
    b"oci://registry.example/charts",
    b"https://[2001:db8::1]:443//a/%7Eb/",
    b"file:///srv/git/x",
    b"registry.example:5000/a/b",
)
SCOPES = (b"[groups, email]", b"groups", b"['a', \"b\"]", b"- a\n- b", b"&x [*x]", b"{<<: {a: b}}")

_WINDOW: dict[str, t.Any] = {
    "kind": "deny",
    "schedule": "0 0 20 12 *",
    "duration": "336h",
    "applications": ["*"],
    "namespaces": ["shop"],
    "clusters": ["prod*", "https://{a,b}"],
    "andOperator": True,
    "manualSync": True,
    "syncOverrun": True,
    "timeZone": "Europe/Amsterdam",
    "description": "freeze",
}
WINDOWS = _json(
    _WINDOW,
    {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "applications": ["*"]},
    {"kind": "deny", "schedule": "* * * * *", "duration": "1m", "applications": ["web"], "timeZone": "Asia/Gaza"},
    {"kind": "deny", "schedule": "0 3 * * *", "duration": "1h", "applications": ["*"], "timeZone": "Europe/Amsterdam"},
    {"kind": "allow", "schedule": "0 0 29 2 *", "duration": "-1h", "applications": ["*"], "syncOverrun": True},
)
PROJECTS = _json(
    {
        "metadata": {"name": "shop", "namespace": "argocd", "labels": {"team": "shop"}, "resourceVersion": "7"},
        "spec": {
            "sourceRepos": ["https://github.com/*/**", "!https://github.com/evil/*"],
            "sourceNamespaces": ["apps-*", "/^ns-(a|b)$/"],
            "destinations": [{"server": "*", "namespace": "shop*"}, {"name": "!prod", "namespace": "!kube-system"}],
            "roles": [
                {
                    "name": "dev",
                    "policies": ["p, proj:shop:dev, applications, sync, shop/*, allow"],
                    "groups": ["devs"],
                    "jwtTokens": [{"iat": 1535390316}],
                }
            ],
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "shop*"}],
            "clusterResourceBlacklist": [{"group": "*", "kind": "[A-C]*"}],
            "namespaceResourceWhitelist": [{"group": "apps", "kind": "Deployment"}],
            "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
            "orphanedResources": {"warn": True, "ignore": [{"kind": "ConfigMap", "name": "x*"}]},
            "syncWindows": [_WINDOW],
            "signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}],
            "permitOnlyProjectScopedClusters": False,
            "destinationServiceAccounts": [{"server": "*", "namespace": "shop", "defaultServiceAccount": "x:deployer"}],
        },
    },
    {"metadata": {"name": "default"}, "spec": {"sourceRepos": ["*"], "namespaceResourceWhitelist": []}},
)
APPLICATIONS = _json(
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd", "labels": {"tier": "front"}, "finalizers": ["x"]},
        "spec": {
            "project": "shop",
            "source": {"repoURL": "https://github.com/shop/apps.git", "path": "web", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 5}},
        },
        "operation": {"sync": {"revision": "abc", "prune": True}, "initiatedBy": {"username": "alice"}},
        "status": {
            "sync": {"status": "Synced", "revision": "abc"},
            "health": {"status": "Healthy"},
            "operationState": {"phase": "Running", "startedAt": "2026-03-29T00:00:00Z", "operation": {"sync": {}}},
        },
    },
    {
        "metadata": {"name": "x", "namespace": "apps-a"},
        "spec": {
            "project": "",
            "sources": [{"repoURL": "git@h:a/b", "chart": "c", "helm": {"values": "a: b"}}],
            "destination": {"name": "in-cluster"},
        },
    },
)
_ADDED = """
- name: christmas
  kind: deny
  projects: ["*"]
  from: 2026-12-20T00:00
  until: 2027-01-03T00:00
  timeZone: Europe/Amsterdam
  labelSelector:
    matchLabels: {tier: front}
    matchExpressions: [{key: team, operator: NotIn, values: [a, b]}]
  exclude: {applications: ["*-hotfix"], labelSelector: {matchLabels: {urgent: "true"}}}
  override: [role:oncall]
  heal: true
- {name: hours, kind: allow, projects: [shop], schedule: "0 9 * * 1-5", duration: 8h, expires: "2027-01-01T00:00:00Z"}
"""
_FREEZE = """
reason: outage
person: alice
start: "2026-03-29T00:00:00Z"
end: "2026-03-30T00:00:00Z"
projects: ["*"]
override: [role:oncall]
"""
_GLASS = "- {roles: [role:oncall, alice], projects: [shop]}"
ADDITIONS = (
    _map(("windows", _ADDED), ("breakGlass", _GLASS), ("freeze.a", _FREEZE)),
    _map(("freeze.x", _FREEZE.replace("alice", "bob")), ("freeze.y", "{}"), ("other", "x")),
    _map(("windows", "[]"), ("breakGlass", "[]")),
)
ANNOTATIONS = (
    _ADDED.replace('  projects: ["*"]\n', "").replace(" projects: [shop],", "").encode(),
    b"[{name: a, kind: deny, schedule: '* * * * *', duration: 1h, clusters: [prod], andOperator: true}]",
)
CLAIMS = (
    b'{"sub": "alice", "groups": ["devs", "", null, 7], "email": "a@b"}\x00[groups, email]',
    b'{"federated_claims": {"connector_id": "x", "user_id": "bob"}, "sub": "x", "groups": "admins"}\x00groups',
    b'{"sub": "proj:shop:dev", "iat": 1535390316}\x00',
)
SETTINGS = (
    _map(
        ("timeout.reconciliation", "180s"),
        ("timeout.reconciliation.jitter", "60s"),
        ("globalProjects", "- projectName: g\n  labelSelector:\n    matchExpressions: [{key: a, operator: Exists}]"),
    ),
    _map(("application.resourceTrackingMethod", "label"), ("resource.customizations.health.x", "return 1")),
)

WORDS: tuple[bytes, ...] = (
    b"*", b"**", b"?", b"[", b"]", b"{", b"}", b",", b"!", b"\\", b"/", b"-", b"[!a-z]", b"{a,{b,c}}", b"(", b")", b"(a+)+$",
    b"(.*)*x", b"{1000}", b"|", b"^", b"$", b"(?i)", b"\\p{L}", b"p, ", b"g, ", b"allow", b"deny", b"role:admin", b"proj:shop:dev", b'"', b'""',
    b"\n", b"\r\n", b"\t", b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xc2\xa0", b"#", b"# x",
    b"null", b"true", b"[]", b"{}", b"-1", b"0", b"1e999", b"99999999999999999999", b"NaN", b"\\ud800", b"\\u0000", b"&a ", b"*a", b"<<: ",
    b"!!python/object/apply:os.system", b"!!binary", b"---", b"...", b"%YAML", b": ", b"- ", b"| ", b"> ", b"TZ=", b"CRON_TZ=UTC ", b"@daily",
    b"jan", b"sun", b"*/0", b"1-", b"31", b"60", b"L", b"W", b"h", b"ns", b"2562047h47m16.854775808s", b"..", b"%2e", b"%00", b"://", b"@", b":22/",
    b"::", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"Europe/Amsterdam", b"a" * 300, b"*" * 50, b"{" * 60, b"[" * 60, b"(" * 60,
)  # fmt: skip
"""Words that mean something to one of the readers."""
