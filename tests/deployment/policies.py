"""Policies: what every deployment keeps, whatever the overlay; each returns its complaints."""

import os
import re
import shlex
from unittest import mock

from api.judgement import FIRST_WORD_SECONDS as VERDICT_SECONDS
from api.routes.health import OPEN_ADDRESSES
from api.server.process import KEEP_ALIVE_SECONDS
from api.serving import FIRST_WORD_SECONDS, SPARE_SECONDS, UPLOAD_SECONDS
from libelle.dashboard.main import OPEN_ADDRESSES as OPEN_PAGES
from libelle.dashboard.serving import SHUTDOWN_SECONDS as PAGES_SECONDS
from libelle.errors import UsageError
from libelle.settings import Settings, read_settings
from tests.deployment.manifests import (
    API,
    DASHBOARD,
    METRICS,
    nginx_bytes,
    of_kind,
    quantity,
    secret_files,
    secrets,
    selects,
    variables,
    walk,
    workload,
    workloads,
)

# Those that ClusterRole `admin` may make in a namespace, and that are shipped.
KINDS = {
    "ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job",
    "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet",
}  # fmt: skip
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "ephemeral"}
USER = 10_001
IDLE_SECONDS = 60  # During which ingress-nginx keeps a connection.


def settings_of(objects, one) -> Settings:
    """Return the settings that a container reads, the defaults for those that it is not told."""
    with mock.patch.dict(os.environ, variables(objects, one), clear=True):
        return read_settings(_env_file=None)


def only_kinds_of_a_namespace(objects):
    for one in objects:
        if one["kind"] not in KINDS:
            yield f"{one['kind']} is not for the admin of a namespace"
        if (
            not one["metadata"]
            .get("namespace", "default")
            .startswith(("user-", "projet-", "libelle"))
        ):
            yield f"{one['metadata']['name']} has no namespace of its own"


def no_secret_object(objects):
    yield from ("a Secret is in git" for _ in of_kind(objects, "Secret"))


def pss_restricted(objects):
    for one in workloads(objects):
        pod, container = one.spec, one.container
        if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC", "initContainers")):
            yield f"{one.name}: the network or the processes of the node"
        context, inside = pod.get("securityContext", {}), container.get("securityContext", {})
        wanted = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
        if not wanted.items() <= context.items():
            yield f"{one.name}: not user {USER}"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{one.name}: no seccomp profile"
        if inside.get("allowPrivilegeEscalation") is not False or inside.get("privileged"):
            yield f"{one.name}: privileges"
        if inside.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{one.name}: capabilities"
        if any("hostPort" in port for port in container.get("ports", ())):
            yield f"{one.name}: a port of the node"
        for volume in pod["volumes"]:
            if not set(volume) - {"name"} <= VOLUMES:
                yield f"{one.name}: volume {volume['name']}"


def hardened(objects):
    for one in workloads(objects):
        if one.container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{one.name}: its root is not read-only"
        if one.spec.get("automountServiceAccountToken") is not False:
            yield f"{one.name}: a token is mounted"
        if one.spec.get("enableServiceLinks") is not False:
            yield f"{one.name}: variables of Services"
        if not of_kind(objects, "ServiceAccount", one.spec.get("serviceAccountName")):
            yield f"{one.name}: no account of its own"


def images_are_pinned(objects):
    for one in workloads(objects):
        image = one.container["image"]
        local = re.fullmatch(r"localhost/libelle-[a-z]+:local", image)
        if not local and not re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", image):
            yield f"{one.name}: {image} is not pinned"


def the_model_is_pinned(objects):
    for one in workloads(objects):
        told = variables(objects, one)
        if not re.fullmatch(r"models:/[\w.-]+/\d+|/[\w./-]+", told["LIBELLE_MODEL"]):
            yield f"{one.name}: {told['LIBELLE_MODEL']} moves"
        if not re.fullmatch("[0-9a-f]{64}", told.get("LIBELLE_MODEL_DIGEST", "")):
            yield f"{one.name}: the digest of the model is not pinned"


def no_placeholder(objects):
    for one in objects:
        for path, value in walk(one):
            if isinstance(value, str) and re.search(
                r"<[a-z][\w-]*>|\.invalid$|example\.org", value
            ):
                yield f"{one['metadata']['name']}: {'.'.join(map(str, path))} is {value}"


def resources_are_bounded(objects):
    for one in workloads(objects):
        for side in ("requests", "limits"):
            asked = one.container.get("resources", {}).get(side, {})
            if not {"cpu", "memory", "ephemeral-storage"} <= set(asked):
                yield f"{one.name}: {side}"
        for volume in one.spec["volumes"]:
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{one.name}: volume {volume['name']} has no bound"
        if one.kind in ("Job", "CronJob") and "activeDeadlineSeconds" not in str(one.object):
            yield f"{one.name}: no deadline"


def probes_ask_real_routes(objects):
    for name, paths in ((API, OPEN_ADDRESSES), (DASHBOARD, OPEN_PAGES)):
        one = workload(objects, name)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = one.container.get(probe, {}).get("httpGet", {})
            if get.get("path") not in paths or get.get("port") != "http":
                yield f"{name}: {probe}"
    api = workload(objects, API).container
    asked = [
        api.get(p, {}).get("httpGet", {}).get("path") for p in ("livenessProbe", "readinessProbe")
    ]
    if asked != ["/health/live", "/health/ready"]:
        yield "the API: live is not ready"


def starting_has_time(objects):
    one = workload(objects, API)
    settings, probe = settings_of(objects, one), one.container["startupProbe"]
    longest = FIRST_WORD_SECONDS + VERDICT_SECONDS + 2 * settings.load_seconds
    if probe["periodSeconds"] * probe["failureThreshold"] <= longest:
        yield f"the startup probe gives up before {longest:g} s"


def ending_has_time(objects):
    one = workload(objects, API)
    settings = settings_of(objects, one)
    needed = (
        one.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        + settings.drain_seconds
        + settings.shutdown_seconds
        + SPARE_SECONDS
        + UPLOAD_SECONDS
    )
    if not needed < one.spec["terminationGracePeriodSeconds"]:
        yield f"the API needs {needed:g} s to end"
    pages = workload(objects, DASHBOARD)
    sleep = pages.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    if not sleep + PAGES_SECONDS < pages.spec["terminationGracePeriodSeconds"]:
        yield "the dashboard has no time to end"


def replacing_leaves_no_gap(objects):
    one = workload(objects, API)
    if one.kind == "Deployment" and one.object["spec"]["strategy"] != {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }:
        yield "replicas go before others come"
    if one.object["spec"]["replicas"] < 2:
        yield "one replica"
    (constraint,) = one.spec.get("topologySpreadConstraints", [{}])
    if not selects(constraint.get("labelSelector", {}).get("matchLabels", {"": ""}), one.labels):
        yield "replicas are not spread"
    (budget,) = of_kind(objects, "PodDisruptionBudget")
    if budget["spec"].get("maxUnavailable") != 1:
        yield "the budget allows none or all to go"


def volumes_hold_what_they_are_for(objects):
    one = workload(objects, API)
    settings = settings_of(objects, one)
    sizes = {
        volume["name"]: quantity(volume["emptyDir"]["sizeLimit"])
        for volume in one.spec["volumes"]
        if "emptyDir" in volume
    }
    for claim in one.object["spec"].get("volumeClaimTemplates", []):
        if (claim.get("apiVersion"), claim.get("kind")) != ("v1", "PersistentVolumeClaim"):
            yield f"{claim['metadata']['name']}: ArgoCD sees a difference for ever"
        sizes[claim["metadata"]["name"]] = quantity(
            claim["spec"]["resources"]["requests"]["storage"]
        )
    mounts = {m["mountPath"]: m["name"] for m in one.container["volumeMounts"]}
    if mounts.get(str(settings.home)) != "home" or mounts.get(str(settings.spool_path)) != "spool":
        yield "home or spool is no volume"
    if sizes.get("spool", 0) <= 1.1 * settings.log_spool_bytes:
        yield "the spool is evicted before it is full"
    if sizes.get(mounts.get("/tmp"), 0) <= settings.workers * settings.max_spool_bytes * 1.2:
        yield "temporary files are evicted before they are refused"
    memory = quantity(one.container["resources"]["limits"]["memory"])
    if settings.load_memory_bytes + 256 * 2**20 > memory:
        yield "a model may take more memory than the container has"
    for other in workloads(objects):
        volumes = [v["emptyDir"] for v in other.spec["volumes"] if "emptyDir" in v]
        total = sum(quantity(volume.get("sizeLimit", 0)) for volume in volumes)
        if total >= quantity(other.container["resources"]["limits"]["ephemeral-storage"]):
            yield f"{other.name}: its volumes are larger than its disk"
        paths = {m["mountPath"] for m in other.container["volumeMounts"]}
        if not {"/var/lib/libelle", "/tmp"} <= paths:
            yield f"{other.name}: nowhere to write"


def ports_agree(objects):
    for name in (API, DASHBOARD):
        one = workload(objects, name)
        settings = settings_of(objects, one)
        ports = {port["name"]: port["containerPort"] for port in one.container["ports"]}
        expected = (
            {"http": settings.port, "metrics": settings.metrics_port}
            if name == API
            else {"http": settings.dashboard_port}
        )
        if ports != expected:
            yield f"{name}: ports {ports}, settings {expected}"
        if settings.host != "0.0.0.0":
            yield f"{name}: listens on {settings.host}"
        (service,) = of_kind(objects, "Service", name)
        if not selects(service["spec"]["selector"], one.labels):
            yield f"Service {name} selects nothing"
        targets = {port["targetPort"] for port in service["spec"]["ports"]}
        if targets != {"http"}:
            yield f"Service {name} leads to {targets}"
    api = workload(objects, API)
    notes = api.template["metadata"]["annotations"]
    if notes.get("prometheus.io/port") != str(settings_of(objects, api).metrics_port):
        yield "Prometheus asks another port"
    pages = settings_of(objects, workload(objects, DASHBOARD))
    if pages.api_url != f"http://{API}":
        yield "the dashboard calls another API"


def ingresses_lead_somewhere(objects):
    for ingress in of_kind(objects, "Ingress"):
        name, spec = ingress["metadata"]["name"], ingress["spec"]
        if spec.get("ingressClassName") != "nginx":
            yield f"{name}: no class"
        (rule,), (tls,) = spec["rules"], spec["tls"]
        if tls["hosts"] != [rule["host"]] or "secretName" in tls:
            yield f"{name}: two hosts, or a certificate of its own"
        for path in rule["http"]["paths"]:
            target = path["backend"]["service"]
            found = of_kind(objects, "Service", target["name"])
            if not found or target["port"]["name"] not in {
                p["name"] for p in found[0]["spec"]["ports"]
            }:
                yield f"{name}: leads nowhere"


def the_ingress_lets_through_what_the_api_takes(objects):
    settings = settings_of(objects, workload(objects, API))
    for ingress in of_kind(objects, "Ingress"):
        name = ingress["metadata"]["name"]
        notes = {
            key.rpartition("/")[2]: value
            for key, value in ingress["metadata"]["annotations"].items()
        }
        largest = (
            max(settings.max_body_bytes, settings.max_file_bytes) if name == API else 20_000_000
        )
        if nginx_bytes(notes.get("proxy-body-size", "1m")) < largest:
            yield f"{name}: bodies of {largest} bytes are cut"
        slowest = max(settings.body_seconds, settings.header_seconds, settings.load_seconds)
        for side in ("proxy-read-timeout", "proxy-send-timeout"):
            if float(notes.get(side, "60")) <= slowest:
                yield f"{name}: {side} is shorter than the API's own"
        if name == API and notes.get("proxy-request-buffering") != "off":
            yield f"{name}: files are kept whole before they are answered"
    if KEEP_ALIVE_SECONDS <= IDLE_SECONDS:
        yield "idle connections are closed before the ingress leaves them"


def the_network_is_closed(objects):
    policies = of_kind(objects, "NetworkPolicy")
    for one in workloads(objects):
        mine = [
            policy["spec"]
            for policy in policies
            if selects(policy["spec"]["podSelector"].get("matchLabels", {}), one.labels)
        ]
        types = {side for spec in mine for side in spec["policyTypes"]}
        if types != {"Ingress", "Egress"}:
            yield f"{one.name}: no policy for {sorted({'Ingress', 'Egress'} - types)}"
        open_ports = {
            port["port"] for spec in mine for rule in spec.get("egress", []) if "to" not in rule
            for port in rule.get("ports", [{"port": "all"}])
        }  # fmt: skip
        if not open_ports <= {53, 80, 443}:
            yield f"{one.name}: may leave by {sorted(map(str, open_ports))}"
        inner = {
            port["port"] for spec in mine for rule in spec.get("egress", []) if "to" in rule
            for port in rule.get("ports", [{"port": "all"}])
        }  # fmt: skip
        if inner != {5000, 8000, 9100}:
            yield f"{one.name}: inside, it may reach {sorted(map(str, inner))}"
        ingress = {
            port["port"] for spec in mine for rule in spec.get("ingress", [])
            for port in rule.get("ports", [{"port": "all"}])
        }  # fmt: skip
        shown = {ingress["metadata"]["name"] for ingress in of_kind(objects, "Ingress")}
        allowed = {API: {8000, 9100}, DASHBOARD: {8001} if DASHBOARD in shown else set()}
        if ingress != allowed.get(one.name, set()):
            yield f"{one.name}: whoever comes in by {sorted(map(str, ingress))}"


def selectors_match(objects):
    for one in workloads(objects):
        if one.is_service and not selects(
            one.object["spec"]["selector"]["matchLabels"], one.labels
        ):
            yield f"{one.name} selects other pods"
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    if not of_kind(objects, target["kind"], target["name"]):
        yield "the autoscaler scales nothing"
    (budget,) = of_kind(objects, "PodDisruptionBudget")
    if not selects(budget["spec"]["selector"]["matchLabels"], workload(objects, API).labels):
        yield "the budget protects nothing"
    named = [
        policy["spec"]["podSelector"]["matchLabels"] for policy in of_kind(objects, "NetworkPolicy")
    ]
    for labels in named:
        if not any(selects(labels, one.labels) for one in workloads(objects)):
            yield f"a network policy is for nobody: {labels}"


def settings_are_real(objects):
    for one in workloads(objects):
        try:
            settings = settings_of(objects, one)
        except UsageError as error:
            yield f"{one.name}: {error}"
            continue
        named = {settings.log_key_file}
        if one.is_service:
            named |= {settings.api_keys_file}
        if one.name == DASHBOARD:
            named |= {settings.api_key_file}
        if missing := {str(path) for path in named} - secret_files(one):
            yield f"{one.name}: no Secret gives {sorted(missing)}"
        if settings.auth != "keys":
            yield f"{one.name}: open to whoever calls"
        known = {str(field.validation_alias or "") for field in Settings.model_fields.values()}
        given = {v["name"] for v in one.container["env"] if "valueFrom" in v}
        if not given <= known:
            yield f"{one.name}: {sorted(given - known)} are no settings"


def commands_are_real(objects):
    from typer.main import get_command

    from libelle.cli.app import app

    for one in workloads(objects):
        for words in commands_of(objects, one):
            try:
                parse(get_command(app), words)
            except Exception as error:
                yield f"{one.name}: {' '.join(words)}: {error}"


def commands_of(objects, one) -> list[list[str]]:
    """Return the command lines of libelle that a container runs."""
    told = variables(objects, one)
    command, arguments = one.container["command"], one.container.get("args", [])
    filled = [re.sub(r"\$\(([A-Z_]+)\)", lambda found: told[found[1]], word) for word in arguments]
    if command[0] != "sh":
        return [[*command, *filled]]
    lines = re.sub(r"\$\(date -u -d '28 days ago' \+%F\)", "2026-01-01", filled[0])
    lines = lines.replace("$(date -u +%F)", "2026-01-29")
    lines = re.sub(r"\$([A-Z_]+)", lambda found: told[found[1]], lines)
    kept = [line for line in lines.splitlines() if line.strip() and not line.startswith("exit ")]
    split = [shlex.split(line.removesuffix(" || failed=$?")) for line in kept]
    return [words[1:] if words[0] == "exec" else words for words in split]


def parse(command, words) -> None:
    """Parse a command line without running it."""
    program, *rest = words
    assert program == "libelle", words
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context(program, rest)


def no_metrics_outside(objects):
    for service in of_kind(objects, "Service"):
        name = service["metadata"]["name"]
        for port in service["spec"]["ports"]:
            leads = port["targetPort"] in ("metrics", 9100) or port["port"] == 9100
            if leads and (name != METRICS or service["spec"].get("clusterIP") != "None"):
                yield f"{name} leads to the metrics"
    for ingress in of_kind(objects, "Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            if path["backend"]["service"]["name"] == METRICS:
                yield f"{ingress['metadata']['name']} leads to the metrics"


def the_dashboard_sees_every_replica(objects):
    (service,) = of_kind(objects, "Service", METRICS)
    spec, api = service["spec"], workload(objects, API)
    if spec.get("clusterIP") != "None" or not spec.get("publishNotReadyAddresses"):
        yield f"{METRICS}: one address for all, or those of ready pods only"
    if not selects(spec["selector"], api.labels):
        yield f"{METRICS} selects nothing"
    settings = settings_of(objects, workload(objects, DASHBOARD))
    (port,) = spec["ports"]
    if settings.metrics_url != f"http://{METRICS}:{port['port']}/metrics":
        yield f"the dashboard asks {settings.metrics_url} for metrics"
    if (port["port"], port["targetPort"]) != (settings.metrics_port, "metrics"):
        yield f"{METRICS} leads elsewhere"  # Headless: its port is that of the pods.


def one_dashboard(objects):
    one = workload(objects, DASHBOARD).object["spec"]
    if (one["replicas"], one["strategy"]) != (1, {"type": "Recreate"}):
        yield "two dashboards would lend a text twice"


def training_sleeps(objects):
    for one in of_kind(objects, "CronJob"):
        asleep = one["spec"].get("suspend", False)
        if asleep != (one["metadata"]["name"] == "libelle-training"):
            yield f"{one['metadata']['name']}: suspend is {asleep}"
        if one["spec"].get("concurrencyPolicy") != "Forbid":
            yield f"{one['metadata']['name']}: may run twice at a time"


def secrets_are_documented(objects, readme):
    lines = re.findall(r"kubectl create secret generic ([\w-]+) (.*)", readme)
    told = {
        (name, key)
        for name, rest in lines
        for key in re.findall(r"--from-(?:literal|file)=([\w-]+)=", rest)
    }
    asked = set().union(*(secrets(one) for one in workloads(objects)))
    if asked != told:
        yield f"secrets asked for and documented differ: {sorted(asked ^ told)}"


POLICIES = (
    only_kinds_of_a_namespace,
    no_secret_object,
    pss_restricted,
    hardened,
    images_are_pinned,
    the_model_is_pinned,
    no_placeholder,
    resources_are_bounded,
    probes_ask_real_routes,
    starting_has_time,
    ending_has_time,
    replacing_leaves_no_gap,
    volumes_hold_what_they_are_for,
    ports_agree,
    ingresses_lead_somewhere,
    the_ingress_lets_through_what_the_api_takes,
    the_network_is_closed,
    selectors_match,
    settings_are_real,
    commands_are_real,
    no_metrics_outside,
    the_dashboard_sees_every_replica,
    one_dashboard,
    training_sleeps,
)
