"""The first half of the story: deploying, healing, pruning."""

from __future__ import annotations

import typing as t

from lynceus.demo.narrator import Narrator
from lynceus.demo.world import World, operation, status_of

KINDS: t.Final = {"guestbook": "a plain folder", "storefront": "a Kustomize overlay", "payments": "a Helm chart"}
GUESTBOOK_DEPLOYMENT: t.Final = "guestbook/deployment.yaml"
GUESTBOOK_SETTINGS: t.Final = "guestbook/settings.yaml"


def settled(world: World, name: str, revision: str) -> t.Callable[[], bool]:
    """Return a probe: the application is Synced and Healthy at this revision."""
    return lambda: status_of(world.application(name)) == ("Synced", "Healthy", revision)


def first_sync(world: World, say: Narrator) -> None:
    """Three ways to write manifests, one AppProject, one policy: everything is deployed from Git."""
    kinds = [KINDS[name] for name in world.applications]
    say.step(f"First sync: {', '.join(kinds[:-1])} and {kinds[-1]}")
    for name in world.applications:
        say.expect(
            f"{name} is Synced and Healthy at {world.repository.head[:7]}",
            settled(world, name, world.repository.head),
            60,
        )


def a_push(world: World, say: Narrator) -> None:
    """A commit is deployed with no other action."""
    say.step("A push is deployed")
    text = world.repository.read(GUESTBOOK_DEPLOYMENT)
    head = world.repository.push(
        "Release guestbook 1.1", {GUESTBOOK_DEPLOYMENT: text.replace("guestbook:1.0", "guestbook:1.1")}
    )
    say.tell(f"pushed {head[:7]}: image guestbook:1.0 -> guestbook:1.1")
    say.expect("the Deployment runs guestbook:1.1", lambda: _image(world).endswith("guestbook:1.1"))
    say.expect(f"guestbook is Synced and Healthy at {head[:7]}", settled(world, "guestbook", head))
    for name in world.applications[1:]:
        say.expect(f"{name}, which the commit did not touch, stands at {head[:7]} too", settled(world, name, head))


def _image(world: World) -> str:
    found = world.cluster.get("Deployment", world.namespace("guestbook"), "guestbook")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def a_manual_edit(world: World, say: Narrator) -> None:
    """What somebody changes by hand is put back."""
    say.step("A manual edit is healed")
    namespace = world.namespace("guestbook")
    world.cluster.patch("Deployment", namespace, "guestbook", {"spec": {"replicas": 5}})
    say.tell("the Deployment is changed by hand, as kubectl scale deployment guestbook --replicas=5 does")
    say.expect(
        "the Deployment has 2 replicas again",
        lambda: world.cluster.get("Deployment", namespace, "guestbook")["spec"]["replicas"] == 2,
    )
    say.expect(
        "the last operation was an automated one",
        lambda: (
            operation(world.application("guestbook")).get("operation", {}).get("initiatedBy", {}).get("automated")
            is True
        ),
    )
    say.expect("guestbook is Synced and Healthy", settled(world, "guestbook", world.repository.head))


def a_removed_file(world: World, say: Narrator) -> None:
    """What leaves Git leaves the cluster."""
    say.step("A removed manifest is pruned")
    namespace = world.namespace("guestbook")
    first = world.repository.read(GUESTBOOK_SETTINGS).split("---\n")[0]
    head = world.repository.push("Retire the banner", {GUESTBOOK_SETTINGS: first})
    say.tell(f"pushed {head[:7]}: ConfigMap guestbook-banner is no longer in Git")
    say.expect(
        "ConfigMap guestbook-banner is gone",
        lambda: not world.cluster.exists("ConfigMap", namespace, "guestbook-banner"),
    )
    say.expect("ConfigMap guestbook is still there", lambda: world.cluster.exists("ConfigMap", namespace, "guestbook"))
    say.expect("guestbook is Synced and Healthy", settled(world, "guestbook", head))
