"""How the API server words the cells of its tables: ages, selectors, and the one-word state of pods, nodes, jobs.

Pure functions of one object (and the time); `sandbox.columns` says which column uses which.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

Obj = dict[str, Any]


def value(obj: Any, path: str) -> Any:
    """Returns what a dotted path reaches, None when it is not there."""
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def text(obj: Any, path: str, missing: str = "") -> str:
    """Returns what a dotted path reaches as text."""
    found = value(obj, path)
    return missing if found is None or found == "" else str(found)


def number(obj: Any, path: str) -> int:
    """Returns the number that a dotted path reaches, 0 when it is not there."""
    return int(value(obj, path) or 0)


def joined(obj: Any, path: str, name: str) -> str:
    """Returns one field of each item of a list, joined by commas."""
    return ",".join(str(each.get(name, "")) for each in value(obj, path) or [])


def _moment(stamp: str) -> dt.datetime:
    return dt.datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def age(stamp: str | None, now: str, missing: str = "<unknown>") -> str:
    """Returns the time since a stamp as kubectl words it: 5s, 3m20s, 7h5m, 2d3h, 10d, 2y30d."""
    if not stamp:
        return missing
    return duration(max(0.0, (_moment(now) - _moment(stamp)).total_seconds()))


def duration(total: float) -> str:
    """Returns seconds in one or two units, the fewer the longer."""
    seconds = int(total)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _two(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def selector(labels: Any) -> str:
    """Returns a label selector or a label map in one line."""
    if not labels:
        return "<none>"
    if not isinstance(labels, dict) or not {"matchLabels", "matchExpressions"} & labels.keys():
        return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"
    parts = [f"{key}={each}" for key, each in sorted((labels.get("matchLabels") or {}).items())]
    parts += [_expression(rule) for rule in labels.get("matchExpressions") or []]
    return ",".join(parts) or "<none>"


def _expression(rule: dict[str, Any]) -> str:
    key, operator = rule["key"], rule["operator"]
    if operator in ("In", "NotIn"):
        return f"{key} {operator.lower()} ({','.join(sorted(rule.get('values') or []))})"
    return key if operator == "Exists" else f"!{key}"


def phase(obj: Obj) -> str:
    """Returns the phase of a claim or volume, Terminating while it is being deleted."""
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else text(obj, "status.phase")


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def access_modes(obj: Obj, path: str) -> str:
    """Returns access modes in their short forms."""
    given = value(obj, path) or []
    return ",".join(short for name, short in _MODES.items() if name in given)


def claim(obj: Obj) -> str:
    """Returns the claim of a volume."""
    ref = value(obj, "spec.claimRef")
    return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else ""


def pod_ready(obj: Obj) -> str:
    """Returns ready and all containers of a pod."""
    statuses = value(obj, "status.containerStatuses") or []
    ready = sum(1 for each in statuses if each.get("ready") and "running" in (each.get("state") or {}))
    return f"{ready}/{len(value(obj, 'spec.containers') or [])}"


def pod_status(obj: Obj) -> str:
    """Returns the one-word state of a pod."""
    state = text(obj, "status.reason") or text(obj, "status.phase")
    state = _init_state(obj) or _container_state(obj, state)
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if text(obj, "status.reason") == "NodeLost" else "Terminating"
    return state


def _init_state(obj: Obj) -> str:
    statuses = value(obj, "status.initContainerStatuses") or []
    total = len(value(obj, "spec.initContainers") or [])
    for index, each in enumerate(statuses):
        state = each.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and not ended.get("exitCode"):
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended['exitCode'])}"
        reason = (state.get("waiting") or {}).get("reason")
        return f"Init:{reason}" if reason and reason != "PodInitializing" else f"Init:{index}/{total}"
    return ""


def _container_state(obj: Obj, state: str) -> str:
    running = False
    for each in reversed(value(obj, "status.containerStatuses") or []):
        now = each.get("state") or {}
        if (now.get("waiting") or {}).get("reason"):
            state = now["waiting"]["reason"]
        elif "terminated" in now:
            state = now["terminated"].get("reason") or f"ExitCode:{now['terminated'].get('exitCode', 0)}"
        elif each.get("ready") and "running" in now:
            running = True
    if state == "Completed" and running:
        return "Running" if condition(obj, "Ready") == "True" else "NotReady"
    return state


def pod_restarts(obj: Obj, now: str) -> str:
    """Returns the restarts of a pod's containers and how long ago the last one was."""
    statuses = value(obj, "status.containerStatuses") or []
    total = sum(each.get("restartCount", 0) for each in statuses)
    ends = [text(each, "lastState.terminated.finishedAt") for each in statuses]
    last = max(filter(None, ends), default="")
    return f"{total} ({age(last, now)} ago)" if total and last else str(total)


def condition(obj: Obj, kind: str) -> str:
    """Returns the status of a condition, "" when it is not there."""
    found = (each for each in value(obj, "status.conditions") or [] if each.get("type") == kind)
    return text(next(found, None), "status")


def readiness_gates(obj: Obj) -> str:
    """Returns how many of a pod's readiness gates hold."""
    gates = value(obj, "spec.readinessGates") or []
    if not gates:
        return "<none>"
    return f"{sum(condition(obj, each['conditionType']) == 'True' for each in gates)}/{len(gates)}"


def node_status(obj: Obj) -> str:
    """Returns the state of a node."""
    ready = condition(obj, "Ready")
    words = ["Ready" if ready == "True" else "NotReady"] if ready else ["Unknown"]
    if value(obj, "spec.unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(obj: Obj) -> str:
    """Returns the roles that a node's labels give it."""
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or "<none>"


def node_address(obj: Obj, kind: str) -> str:
    """Returns an address of a node."""
    found = (each["address"] for each in value(obj, "status.addresses") or [] if each.get("type") == kind)
    return next(found, "<none>")


def external_ip(obj: Obj) -> str:
    """Returns the addresses by which a service is reached from outside."""
    kind, given = text(obj, "spec.type"), value(obj, "spec.externalIPs") or []
    if kind == "ExternalName":
        return text(obj, "spec.externalName")
    if kind == "LoadBalancer":
        found = [each.get("ip") or each.get("hostname") for each in value(obj, "status.loadBalancer.ingress") or []]
        return ",".join([*filter(None, found), *given]) or "<pending>"
    return ",".join(given) or "<none>"


def service_ports(obj: Obj) -> str:
    """Returns the ports of a service, with node ports."""
    ports = value(obj, "spec.ports") or []
    words = [
        f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol', 'TCP')}" for p in ports
    ]
    return ",".join(words) or "<none>"


def endpoints(obj: Obj) -> str:
    """Returns the first addresses of an Endpoints object."""
    found = []
    for subset in obj.get("subsets") or []:
        addresses, ports = subset.get("addresses") or [], subset.get("ports") or []
        found += [f"{a['ip']}:{p['port']}" for p in ports for a in addresses] if ports else [a["ip"] for a in addresses]
    return _first_three(found) if found else "<none>"


def slice_endpoints(obj: Obj) -> str:
    """Returns the first addresses of an EndpointSlice."""
    found = [address for each in obj.get("endpoints") or [] for address in each.get("addresses") or []]
    return _first_three(found) if found else "<unset>"


def slice_ports(obj: Obj) -> str:
    """Returns the ports of an EndpointSlice."""
    found = [str(each.get("port", "*")) for each in obj.get("ports") or []]
    return _first_three(found) if found else "<unset>"


def _first_three(found: list[str]) -> str:
    more = len(found) - 3
    return ",".join(found[:3]) + (f" + {more} more..." if more > 0 else "")


def quota(obj: Obj, *, limits: bool) -> str:
    """Returns used and hard of a quota's requests or limits."""
    hard, used = value(obj, "status.hard") or {}, value(obj, "status.used") or {}
    names = [name for name in sorted(hard) if name.startswith("limits.") == limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


def event_time(obj: Obj, *, last: bool) -> str | None:
    """Returns when an event was seen first or last."""
    if last and value(obj, "series.lastObservedTime"):
        return str(value(obj, "series.lastObservedTime"))
    names = ("lastTimestamp", "deprecatedLastTimestamp") if last else ("firstTimestamp", "deprecatedFirstTimestamp")
    found = obj.get(names[0]) or obj.get(names[1]) or obj.get("eventTime")
    return str(found) if found else None


def event_object(obj: Obj) -> str:
    """Returns what an event is about."""
    ref = obj.get("involvedObject") or obj.get("regarding") or {}
    return f"{str(ref.get('kind', '')).lower()}/{ref.get('name', '')}"


def event_source(obj: Obj) -> str:
    """Returns who saw an event."""
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    words = [source.get("component") or obj.get("reportingComponent") or "", source.get("host") or ""]
    return ", ".join(filter(None, words))


def event_count(obj: Obj) -> str:
    """Returns how often an event was seen."""
    return str(value(obj, "series.count") or obj.get("count") or obj.get("deprecatedCount") or 1)


def subjects(obj: Obj, kind: str) -> str:
    """Returns the names of a binding's subjects of one kind."""
    found = [each for each in obj.get("subjects") or [] if each.get("kind") == kind]
    return ", ".join(f"{each['namespace']}/{each['name']}" if each.get("namespace") else each["name"] for each in found)


def controller(obj: Obj) -> str:
    """Returns the controlling owner."""
    found = (each for each in obj["metadata"].get("ownerReferences") or [] if each.get("controller"))
    owner = next(found, None)
    if owner is None:
        return "<none>"
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"


def autoscaler_targets(obj: Obj) -> str:
    """Returns current and wanted values of an autoscaler's metrics."""
    if "targetCPUUtilizationPercentage" in (obj.get("spec") or {}):
        current = value(obj, "status.currentCPUUtilizationPercentage")
        return (
            f"cpu: {'<unknown>' if current is None else f'{current}%'}/{obj['spec']['targetCPUUtilizationPercentage']}%"
        )
    words = []
    for metric in value(obj, "spec.metrics") or []:
        target = value(metric, "resource.target.averageUtilization")
        name = text(metric, "resource.name")
        words.append(f"{name}: <unknown>/{target}%" if target is not None else f"{name}: <unknown>/<auto>".lstrip(": "))
    return ", ".join(words) or "<none>"


def job_status(obj: Obj) -> str:
    """Returns the state of a job."""
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if condition(obj, kind) == "True":
            return word
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if condition(obj, "Suspended") == "True":
        return "Suspended"
    if condition(obj, "FailureTarget") == "True":
        return "FailureTarget"
    return "SuccessCriteriaMet" if condition(obj, "SuccessCriteriaMet") == "True" else "Running"


def completions(obj: Obj) -> str:
    """Returns done and wanted completions of a job."""
    done, wanted = number(obj, "status.succeeded"), value(obj, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = number(obj, "spec.parallelism")
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job_duration(obj: Obj, now: str) -> str:
    """Returns how long a job has run."""
    start, end = value(obj, "status.startTime"), value(obj, "status.completionTime")
    return age(start, end or now) if start else ""


def ingress_class(obj: Obj) -> str:
    """Returns the class of an ingress."""
    note = "kubernetes.io/ingress.class"
    return text(obj, "spec.ingressClassName") or (obj["metadata"].get("annotations") or {}).get(note) or "<none>"


def ingress_hosts(obj: Obj) -> str:
    """Returns the first hosts of an ingress."""
    hosts = [each["host"] for each in value(obj, "spec.rules") or [] if each.get("host")]
    return _first_three(hosts) if hosts else "*"


def ingress_addresses(obj: Obj) -> str:
    """Returns the addresses of an ingress."""
    found = value(obj, "status.loadBalancer.ingress") or []
    return ",".join(each.get("ip") or each.get("hostname") or "" for each in found)


def ingress_parameters(obj: Obj) -> str:
    """Returns the parameters of an ingress class."""
    ref = value(obj, "spec.parameters")
    if not ref:
        return "<none>"
    return f"{ref['kind']}{'.' + ref['apiGroup'] if ref.get('apiGroup') else ''}/{ref['name']}"


def parameter_kind(obj: Obj) -> str:
    """Returns the parameter kind of an admission policy."""
    ref = value(obj, "spec.paramKind")
    return f"{ref.get('apiVersion', '')}/{ref.get('kind', '')}" if ref else "<unset>"
