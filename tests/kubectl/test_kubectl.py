"""The real kubectl does the same on the embedded cluster and on the real control plane."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubectl.objects import CRD, Shell, config_map, deployment, eventually
from tests.stage.cluster import Cluster


@pytest.fixture
def shell(cluster: Cluster, namespace: str) -> Shell:
    return Shell(cluster, namespace)


@pytest.fixture
def widgets(shell: Shell) -> Iterator[str]:
    """The name of a fresh custom kind, removed afterwards."""
    group = f"{shell.namespace.rsplit('-', 1)[1]}.example.com"
    manifest = CRD.replace("GROUP_PLURAL", f"widgets.{group}").replace("GROUP", group)
    shell.apply(manifest)
    yield group
    shell("delete", "crd", f"widgets.{group}", "--wait=false")


def test_api_resources_and_versions(shell: Shell) -> None:
    """Discovery lists the usual kinds with short names, groups and scope."""
    lines = shell("api-resources", "--no-headers").splitlines()
    rows = {line.split()[0]: line.split() for line in lines if "apps/v1" in line or " v1 " in line}

    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] == rows["deployments"]
    assert ["namespaces", "ns", "v1", "false", "Namespace"] == rows["namespaces"]
    for name in ("batch/v1", "autoscaling/v2", "networking.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1"):
        assert name in shell("api-versions").split()
    assert "all" in shell("api-resources", "--categories=all", "-o", "wide").splitlines()[1].split()[-1].split(",")


def test_get_prints_tables(shell: Shell) -> None:
    """Tables have the columns that people know, short and wide."""
    shell.apply(deployment("web", 2))
    shell("rollout", "status", "deployment/web", "--timeout=60s")

    assert ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"] == shell.columns("deployments")
    assert ["web", "2/2", "2", "2"] == shell("get", "deploy", "web", "--no-headers").split()[:4]
    assert ["CONTAINERS", "IMAGES", "SELECTOR"] == shell.columns("deploy", "-o", "wide")[-3:]
    assert ["NAME", "READY", "STATUS", "RESTARTS", "AGE"] == shell.columns("pods")
    assert {"1/1 Running 0"} == {
        " ".join(line.split()[1:4]) for line in shell("get", "pods", "--no-headers").splitlines()
    }
    assert "IP" in shell.columns("pods", "-o", "wide")
    assert ["NAME", "DESIRED", "CURRENT", "READY", "AGE"] == shell.columns("rs")
    assert "NAMESPACE" == shell("get", "deploy", "-A").split()[0]


def test_get_in_other_formats(shell: Shell) -> None:
    """YAML, JSON, names, JSONPath, Go templates and custom columns."""
    shell.apply(config_map("a", k="v"))

    assert "kind: ConfigMap" in shell("get", "cm", "a", "-o", "yaml")
    assert {"k": "v"} == shell.object("cm", "a")["data"]
    assert "configmap/a" == shell("get", "cm", "a", "-o", "name").strip()
    assert "v" == shell("get", "cm", "a", "-o", "jsonpath={.data.k}")
    assert "v" == shell("get", "cm", "a", "-o", "go-template={{.data.k}}")
    assert ["K", "v"] == shell("get", "cm", "a", "-o", "custom-columns=K:.data.k").split()


def test_get_selects(shell: Shell) -> None:
    """Label selectors of each kind and field selectors narrow a list."""
    shell.apply(config_map("a", {"tier": "front", "n": "1"}))
    shell.apply(config_map("b", {"tier": "back"}))
    names = ("-o", "jsonpath={.items[*].metadata.name}")

    assert "a" == shell("get", "cm", "-l", "tier=front", *names)
    assert "b" == shell("get", "cm", "-l", "tier,tier!=front", *names)
    assert "a b" == shell("get", "cm", "-l", "tier in (front,back)", *names)
    assert "b" == shell("get", "cm", "-l", "tier,!n", *names)
    assert "b" == shell("get", "cm", "--field-selector", "metadata.name=b", *names)
    assert "a b" == shell(
        "get", "cm", "-A", "-l", "tier", "--field-selector", f"metadata.namespace={shell.namespace}", *names
    )
    done = shell.run("get", "cm", "--field-selector", "data.k=v", check=False)
    assert '"data.k" is not a known field selector' in done.stderr


def test_get_of_nothing(shell: Shell) -> None:
    """A missing object and an unknown kind are said in the usual words."""
    assert 'configmaps "nothing" not found' in shell.run("get", "cm", "nothing", check=False).stderr
    assert "doesn't have a resource type" in shell.run("get", "nonsense", check=False).stderr
    assert "No resources found" in shell.run("get", "deploy").stderr


def test_watch(shell: Shell) -> None:
    """Get -w prints what is there, then each change as it happens."""
    shell.apply(config_map("first", k="1"))
    with shell.watching("get", "cm", "-w", "--output-watch-events", "-o", "name") as watching:
        assert watching.wait_for("configmap/first")
        shell.apply(config_map("second", k="1"))
        assert watching.wait_for("configmap/second")
    with shell.watching("get", "cm", "-w", "--output-watch-events") as watching:
        assert watching.wait_for("second")
        shell("delete", "cm", "second")
        assert watching.wait_for("DELETED")


def test_apply(shell: Shell) -> None:
    """Client-side apply creates, changes, removes fields, and says when nothing is to do."""
    assert "deployment.apps/web created" == shell.apply(deployment("web")).strip()
    assert "deployment.apps/web unchanged" == shell.apply(deployment("web")).strip()
    assert "deployment.apps/web configured" == shell.apply(deployment("web", image="nginx:2")).strip()
    shell.apply(config_map("a", one="1", two="2"))
    shell.apply(config_map("a", two="3"))

    assert "nginx:2" == shell("get", "deploy", "web", "-o", "jsonpath={..image}")
    assert {"two": "3"} == shell.object("cm", "a")["data"]
    assert "kubectl.kubernetes.io/last-applied-configuration" in shell.object("cm", "a")["metadata"]["annotations"]


def test_apply_server_side(shell: Shell) -> None:
    """A field belongs to who applied it: another manager conflicts, by name, and may force it."""
    shell.apply(config_map("a", k="1"), "--server-side", "--field-manager=one")
    same = shell.apply(config_map("a", k="1", l="x"), "--server-side", "--field-manager=two")
    done = shell.run(
        "apply", "--server-side", "--field-manager=two", "-f", "-", input=config_map("a", k="2"), check=False
    )

    assert "serverside-applied" in same
    assert 1 == done.returncode
    assert 'conflict with "one"' in done.stderr
    assert ".data.k" in done.stderr
    shell.apply(config_map("a", k="2"), "--server-side", "--field-manager=two", "--force-conflicts")
    after = json.loads(shell("get", "cm", "a", "-o", "json", "--show-managed-fields"))
    owners = {entry["manager"]: entry for entry in after["metadata"]["managedFields"]}
    assert {"k": "2"} == after["data"], "a field that its only owner no longer sends is removed"
    assert {"two"} == {name for name, entry in owners.items() if "f:k" in json.dumps(entry)}
    assert {"Apply"} == {entry["operation"] for entry in owners.values()}


def test_diff(shell: Shell) -> None:
    """Diff shows the changed lines and exits 1; without a difference it exits 0."""
    shell.apply(deployment("web", 1))

    assert 0 == shell.run("diff", "-f", "-", input=deployment("web", 1), check=False).returncode
    done = shell.run("diff", "-f", "-", input=deployment("web", 3), check=False)
    assert 1 == done.returncode
    assert "-  replicas: 1\n+  replicas: 3\n" in done.stdout
    server = shell.run("diff", "--server-side", "-f", "-", input=config_map("new", k="v"), check=False)
    assert 1 == server.returncode
    assert "+  k: v" in server.stdout


def test_patch_of_all_types(shell: Shell) -> None:
    """A strategic patch merges containers by name, a merge patch replaces the list, a JSON patch edits in place."""
    shell.apply(deployment("web"))
    containers = "jsonpath={.spec.template.spec.containers[*].name}"
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox"}]}}}}

    shell("patch", "deploy", "web", "-p", json.dumps(side))
    assert {"web", "side"} == set(shell("get", "deploy", "web", "-o", containers).split())
    shell("patch", "deploy", "web", "--type=merge", "-p", json.dumps(side))
    assert "side" == shell("get", "deploy", "web", "-o", containers)
    operation = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "busybox:9"}]
    shell("patch", "deploy", "web", "--type=json", "-p", json.dumps(operation))
    assert "busybox:9" == shell("get", "deploy", "web", "-o", "jsonpath={..image}")
    wrong = [{"op": "test", "path": "/spec/replicas", "value": 9}]
    done = shell.run("patch", "deploy", "web", "--type=json", "-p", json.dumps(wrong), check=False)
    assert 1 == done.returncode
    assert "no change" in shell("patch", "deploy", "web", "-p", '{"spec": {"replicas": 1}}')


def test_scale(shell: Shell) -> None:
    """Scale goes through the subresource, with a precondition when asked."""
    shell.apply(deployment("web"))

    assert "deployment.apps/web scaled" in shell("scale", "deploy", "web", "--replicas=3")
    assert 3 == shell.object("deploy", "web")["spec"]["replicas"]
    done = shell.run("scale", "deploy", "web", "--current-replicas=1", "--replicas=2", check=False)
    assert "Expected replicas to be 1, was 3" in done.stderr
    assert eventually(lambda: len(shell.object("pods")["items"]) == 3)


def test_label_and_annotate(shell: Shell) -> None:
    """Labels and annotations are set, guarded against overwriting, and removed."""
    shell.apply(config_map("a"))

    assert "configmap/a labeled" in shell("label", "cm", "a", "tier=front")
    assert "already has a value" in shell.run("label", "cm", "a", "tier=back", check=False).stderr
    shell("label", "cm", "a", "tier=back", "--overwrite")
    assert "configmap/a annotated" in shell("annotate", "cm", "a", "note=hello")
    shell("annotate", "cm", "a", "note-")
    metadata = shell.object("cm", "a")["metadata"]
    assert {"tier": "back"} == metadata["labels"]
    assert "note" not in metadata["annotations"]
    done = shell.run("label", "cm", "a", "bad=not valid", check=False)
    assert "a valid label must be" in done.stderr


@pytest.mark.parametrize("cascade", ["foreground", "background"])
def test_delete_with_dependents(shell: Shell, cascade: str) -> None:
    """Deleting a Deployment takes its ReplicaSets and Pods, in either order."""
    shell.apply(deployment("web", 2))
    shell("rollout", "status", "deployment/web", "--timeout=60s")

    assert 'deployment.apps "web" deleted' in shell("delete", "deploy", "web", f"--cascade={cascade}", "--timeout=30s")
    assert eventually(lambda: shell.object("rs,pods")["items"] == [])


def test_delete_orphans(shell: Shell) -> None:
    """With --cascade=orphan the ReplicaSet stays, without an owner."""
    shell.apply(deployment("web"))
    shell("rollout", "status", "deployment/web", "--timeout=60s")

    shell("delete", "deploy", "web", "--cascade=orphan")

    assert eventually(lambda: "ownerReferences" not in shell.object("rs")["items"][0]["metadata"])
    assert 1 == len(shell.object("pods")["items"])


def test_delete_waits_for_finalizers(shell: Shell) -> None:
    """An object with a finalizer is going until the finalizer is gone."""
    shell.apply(config_map("a"))
    shell("patch", "cm", "a", "--type=merge", "-p", '{"metadata": {"finalizers": ["example.com/keep"]}}')

    assert "timed out" in shell.run("delete", "cm", "a", "--timeout=1s", check=False).stderr
    assert "deletionTimestamp" in shell.object("cm", "a")["metadata"]
    shell("patch", "cm", "a", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    assert "not found" in shell.run("get", "cm", "a", check=False).stderr


def test_delete_many(shell: Shell) -> None:
    """By selector, and all of a kind; a second delete is an error unless told otherwise."""
    for name in ("a", "b", "c"):
        shell.apply(config_map(name, {"set": "ab" if name in "ab" else "c"}))

    assert 2 == len(shell("delete", "cm", "-l", "set=ab").splitlines())
    assert "not found" in shell.run("delete", "cm", "a", check=False).stderr
    assert "" == shell("delete", "cm", "a", "--ignore-not-found")


def test_wait(shell: Shell) -> None:
    """Wait for a condition, for a value, for a deletion, and in vain."""
    shell.apply(deployment("web", 2))

    assert "condition met" in shell("wait", "deploy/web", "--for=condition=Available", "--timeout=60s")
    shell("wait", "deploy/web", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=60s")
    done = shell.run("wait", "deploy/web", "--for=condition=Nonsense", "--timeout=1s", check=False)
    assert "timed out waiting for the condition" in done.stderr
    shell("delete", "deploy", "web", "--wait=false")
    shell("wait", "deploy/web", "--for=delete", "--timeout=30s")


def test_rollouts(shell: Shell) -> None:
    """A changed image makes a revision; it can be followed, listed, undone and restarted."""
    shell.apply(deployment("web", 2))
    assert "successfully rolled out" in shell("rollout", "status", "deploy/web", "--timeout=60s")
    shell("set", "image", "deploy/web", "web=nginx:2")
    shell("rollout", "status", "deploy/web", "--timeout=60s")

    history = shell("rollout", "history", "deploy/web").split()
    assert {"1", "2"} <= set(history)
    shell("rollout", "undo", "deploy/web")
    shell("rollout", "status", "deploy/web", "--timeout=60s")
    assert "nginx:1" == shell("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    shell("rollout", "restart", "deploy/web")
    assert "successfully rolled out" in shell("rollout", "status", "deploy/web", "--timeout=60s")


def test_jobs_complete(shell: Shell) -> None:
    """A Job runs to its end."""
    shell("create", "job", "once", "--image=busybox", "--", "true")

    shell("wait", "job/once", "--for=condition=Complete", "--timeout=60s")

    assert ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"] == shell.columns("jobs")
    assert ["once", "Complete", "1/1"] == shell("get", "jobs", "--no-headers").split()[:3]


def test_a_custom_kind_is_used_in_the_next_command(shell: Shell, widgets: str) -> None:
    """Created and used at once: defaulted, pruned, validated, printed and explained by its schema."""
    head = f"apiVersion: {widgets}/v1\nkind: Widget\nmetadata: {{name: w}}\n"

    shell("wait", f"crd/widgets.{widgets}", "--for=condition=Established", "--timeout=30s")
    shell.apply(head + "spec: {size: 3}\n")

    assert {"size": 3, "colour": "green"} == shell.object(f"widgets.{widgets}", "w")["spec"]
    assert ["NAME", "SIZE"] == shell.columns(f"widgets.{widgets}")
    wrong = shell.run("apply", "-f", "-", input=head + "spec: {size: 12}\n", check=False)
    assert "spec.size" in wrong.stderr
    assert "less than or equal to 9" in wrong.stderr
    unknown = shell.run("apply", "-f", "-", input=head + "spec: {size: 3, wings: 2}\n", check=False)
    assert 'unknown field "spec.wings"' in unknown.stderr
    shell.apply(head + "spec: {size: 3, wings: 2}\n", "--validate=ignore")
    assert "wings" not in shell.object(f"widgets.{widgets}", "w")["spec"]
    assert "What it is painted with." in shell("explain", f"widgets.{widgets}.spec.colour")
    shell("patch", f"widgets.{widgets}", "w", "--type=merge", "-p", '{"spec": {"size": 4}}')
    shell(
        "patch", f"widgets.{widgets}", "w", "--subresource=status", "--type=merge", "-p", '{"status": {"ready": true}}'
    )
    shell("wait", f"widgets.{widgets}/w", "--for=jsonpath={.status.ready}=true", "--timeout=10s")
    after = shell.object(f"widgets.{widgets}", "w")
    assert (4, 2) == (after["spec"]["size"], after["metadata"]["generation"])


def test_dry_run_changes_nothing(shell: Shell) -> None:
    """A dry run is answered like the real thing, with defaults, and nothing is kept."""
    out = shell("create", "-f", "-", "--dry-run=server", "-o", "json", input=deployment("web"))

    assert "RollingUpdate" == json.loads(out)["spec"]["strategy"]["type"]
    assert "not found" in shell.run("get", "deploy", "web", check=False).stderr
    shell.apply(config_map("a", k="1"))
    assert "(server dry run)" in shell.apply(config_map("a", k="2"), "--dry-run=server")
    assert "(server dry run)" in shell("delete", "cm", "a", "--dry-run=server")
    assert {"k": "1"} == shell.object("cm", "a")["data"]


def test_create_and_replace(shell: Shell) -> None:
    """Create refuses what exists; replace with an old resourceVersion conflicts."""
    shell("create", "-f", "-", input=config_map("a", k="1"))
    old = shell("get", "cm", "a", "-o", "json")

    assert "already exists" in shell.run("create", "-f", "-", input=config_map("a"), check=False).stderr
    shell("replace", "-f", "-", input=config_map("a", k="2"))
    done = shell.run("replace", "-f", "-", input=old, check=False)
    assert "the object has been modified" in done.stderr
    assert {"k": "2"} == shell.object("cm", "a")["data"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"spec": {"replicas": "three"}}, "replicas"),
        ({"spec": {"replicaz": 3}}, 'unknown field "spec.replicaz"'),
        ({"spec": {"selector": {"matchLabels": {"app": "other"}}}}, "selector"),
        ({"metadata": {"name": "Not_A_Name"}}, "Invalid value"),
    ],
    ids=["wrong type", "unknown field", "selector differs", "bad name"],
)
def test_invalid_objects_are_refused(shell: Shell, change: dict[str, dict[str, object]], text: str) -> None:
    """The message names the field, and nothing is made."""
    manifest = json.loads(deployment("web"))
    for part, fields in change.items():
        manifest[part].update(fields)

    done = shell.run("apply", "-f", "-", input=json.dumps(manifest), check=False)

    assert 1 == done.returncode
    assert text in done.stderr
    assert [] == shell.object("deploy")["items"]


def test_explain(shell: Shell) -> None:
    """Field documentation comes from the server's OpenAPI."""
    out = shell("explain", "deployment.spec.replicas")

    assert "KIND:       Deployment" in out
    assert "FIELD: replicas <integer>" in out
    assert "minReadySeconds" in shell("explain", "deployment.spec")


def test_edit(shell: Shell, tmp_path: Path) -> None:
    """An edit by an editor is a patch of what changed."""
    shell.apply(config_map("a", k="before"))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/k: before/k: after/" "$1"\n')
    editor.chmod(0o755)

    assert "configmap/a edited" in shell("edit", "cm", "a", env={"KUBE_EDITOR": str(editor)})
    assert {"k": "after"} == shell.object("cm", "a")["data"]


def test_events_and_describe(shell: Shell) -> None:
    """Scaling leaves an event that events and describe show."""
    shell.apply(deployment("web"))
    shell("rollout", "status", "deployment/web", "--timeout=60s")

    assert eventually(lambda: "ScalingReplicaSet" in shell("events", "--for", "deployment/web"))
    described = shell("describe", "deploy", "web")
    assert "Scaled up replica set web-" in described
    assert "1 desired | 1 updated | 1 total | 1 available | 0 unavailable" in described


def test_auth_can_i(shell: Shell) -> None:
    """The administrator may do everything."""
    assert "yes" == shell("auth", "can-i", "delete", "deployments").strip()
    assert "yes" == shell("auth", "can-i", "*", "*", "--all-namespaces").strip()


def test_secrets_and_other_generators(shell: Shell) -> None:
    """Kubectl's own generators make objects that come back as they were meant."""
    shell("create", "secret", "generic", "s", "--from-literal=password=word")
    shell("create", "serviceaccount", "robot")
    shell("create", "role", "reader", "--verb=get", "--resource=pods")
    shell("create", "rolebinding", "robots", "--role=reader", f"--serviceaccount={shell.namespace}:robot")
    shell("create", "quota", "q", "--hard=pods=9")
    shell.apply(deployment("web"))
    shell("expose", "deploy", "web", "--port=80")
    shell("autoscale", "deploy", "web", "--max=3", "--cpu=50%")

    assert "d29yZA==" == shell("get", "secret", "s", "-o", "jsonpath={.data.password}")
    assert "Opaque" == shell("get", "secret", "s", "-o", "jsonpath={.type}")
    assert shell("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}").startswith("10.")
    assert 3 == shell.object("hpa", "web")["spec"]["maxReplicas"]
    assert "robot" == shell.object("rolebinding", "robots")["subjects"][0]["name"]
