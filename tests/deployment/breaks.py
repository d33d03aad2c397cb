"""Breaks: what may go wrong in a manifest, one thing at a time, and the policy that must see it."""

from tests.deployment.manifests import API, DASHBOARD, METRICS, of_kind, workload


def api(objects):
    return workload(objects, API)


def drop(mapping, *path):
    for key in path[:-1]:
        mapping = mapping[key]
    del mapping[path[-1]]


def put(mapping, *path_and_value):
    *path, key, value = path_and_value
    for one in path:
        mapping = mapping[one]
    mapping[key] = value


def config(objects, **changes):
    for one in of_kind(objects, "ConfigMap"):
        if "LIBELLE_HOME" in one["data"]:
            one["data"].update({key: value for key, value in changes.items() if value is not None})
            for key in [key for key, value in changes.items() if value is None]:
                one["data"].pop(key)


def one_of(objects, kind, name=API):
    return of_kind(objects, kind, name)[0]


def note(objects, name, value):
    notes = one_of(objects, "Ingress")["metadata"]["annotations"]
    notes[f"nginx.ingress.kubernetes.io/{name}"] = value


# What is broken, the policy that must see it, and how the objects are changed.
BREAKS = {
    "a cluster role": ("only_kinds_of_a_namespace", lambda o: put(o[0], "kind", "ClusterRole")),
    "a quota": ("only_kinds_of_a_namespace", lambda o: put(o[0], "kind", "ResourceQuota")),
    "the default namespace": (
        "only_kinds_of_a_namespace",
        lambda o: drop(o[0], "metadata", "namespace"),
    ),
    "a secret": (
        "no_secret_object",
        lambda o: o.append({"kind": "Secret", "metadata": {"name": "s"}}),
    ),
    "root": ("pss_restricted", lambda o: put(api(o).spec, "securityContext", "runAsUser", 0)),
    "no seccomp": (
        "pss_restricted",
        lambda o: drop(api(o).spec, "securityContext", "seccompProfile"),
    ),
    "a capability": (
        "pss_restricted",
        lambda o: drop(api(o).container, "securityContext", "capabilities"),
    ),
    "escalation": (
        "pss_restricted",
        lambda o: drop(api(o).container, "securityContext", "allowPrivilegeEscalation"),
    ),
    "a folder of the node": (
        "pss_restricted",
        lambda o: api(o).spec["volumes"].append({"name": "x", "hostPath": {}}),
    ),
    "the network of the node": ("pss_restricted", lambda o: put(api(o).spec, "hostNetwork", True)),
    "a root that is written": (
        "hardened",
        lambda o: put(api(o).container, "securityContext", "readOnlyRootFilesystem", False),
    ),
    "a token": ("hardened", lambda o: drop(api(o).spec, "automountServiceAccountToken")),
    "service links": ("hardened", lambda o: drop(api(o).spec, "enableServiceLinks")),
    "another account": ("hardened", lambda o: put(api(o).spec, "serviceAccountName", "default")),
    "latest": (
        "images_are_pinned",
        lambda o: put(api(o).container, "image", "ghcr.io/jdoe/libelle-api:latest"),
    ),
    "a tag": (
        "images_are_pinned",
        lambda o: put(api(o).container, "image", "ghcr.io/jdoe/libelle-api:1.2.3"),
    ),
    "half a digest": (
        "images_are_pinned",
        lambda o: put(api(o).container, "image", "ghcr.io/jdoe/libelle-api@sha256:0123"),
    ),
    "an alias": ("the_model_is_pinned", lambda o: config(o, LIBELLE_MODEL="models:/naf@champion")),
    "no digest": ("the_model_is_pinned", lambda o: config(o, LIBELLE_MODEL_DIGEST=None)),
    "a short digest": (
        "the_model_is_pinned",
        lambda o: config(o, LIBELLE_MODEL_DIGEST="0123456789ab"),
    ),
    "a placeholder": (
        "no_placeholder",
        lambda o: config(o, MLFLOW_TRACKING_URI="https://<user>-mlflow"),
    ),
    "the host of the base": (
        "no_placeholder",
        lambda o: put(one_of(o, "Ingress"), "spec", "rules", 0, "host", "libelle.invalid"),
    ),
    "no limit": (
        "resources_are_bounded",
        lambda o: drop(api(o).container, "resources", "limits", "memory"),
    ),
    "no request": (
        "resources_are_bounded",
        lambda o: drop(workload(o, "libelle-drift").container, "resources", "requests", "cpu"),
    ),
    "a volume without bound": (
        "resources_are_bounded",
        lambda o: put(api(o).spec, "volumes", 0, "emptyDir", {}),
    ),
    "a job without end": (
        "resources_are_bounded",
        lambda o: drop(
            one_of(o, "Job", "libelle-bulk-prediction"), "spec", "activeDeadlineSeconds"
        ),
    ),
    "no probe": ("probes_ask_real_routes", lambda o: drop(api(o).container, "startupProbe")),
    "live asks ready": (
        "probes_ask_real_routes",
        lambda o: put(api(o).container, "livenessProbe", "httpGet", "path", "/health/ready"),
    ),
    "a route that is not": (
        "probes_ask_real_routes",
        lambda o: put(
            workload(o, DASHBOARD).container, "readinessProbe", "httpGet", "path", "/health"
        ),
    ),
    "a start in a hurry": (
        "starting_has_time",
        lambda o: put(api(o).container, "startupProbe", "failureThreshold", 30),
    ),
    "a slow model": ("starting_has_time", lambda o: config(o, LIBELLE_LOAD_SECONDS="90")),
    "an end in a hurry": (
        "ending_has_time",
        lambda o: put(api(o).spec, "terminationGracePeriodSeconds", 45),
    ),
    "a long drain": ("ending_has_time", lambda o: config(o, LIBELLE_DRAIN_SECONDS="20")),
    "pages in a hurry": (
        "ending_has_time",
        lambda o: put(workload(o, DASHBOARD).spec, "terminationGracePeriodSeconds", 10),
    ),
    "one replica": ("replacing_leaves_no_gap", lambda o: put(api(o).object, "spec", "replicas", 1)),
    "no spread": (
        "replacing_leaves_no_gap",
        lambda o: drop(api(o).spec, "topologySpreadConstraints"),
    ),
    "no budget": (
        "replacing_leaves_no_gap",
        lambda o: put(one_of(o, "PodDisruptionBudget"), "spec", "maxUnavailable", 2),
    ),
    "a large spool": (
        "volumes_hold_what_they_are_for",
        lambda o: config(o, LIBELLE_LOG_SPOOL_BYTES=str(2**31)),
    ),
    "a claim without kind": (
        "volumes_hold_what_they_are_for",
        lambda o: drop(api(o).object, "spec", "volumeClaimTemplates", 0, "kind"),
    ),
    "large answers": ("volumes_hold_what_they_are_for", lambda o: config(o, LIBELLE_WORKERS="4")),
    "a large model": (
        "volumes_hold_what_they_are_for",
        lambda o: config(o, LIBELLE_LOAD_MEMORY_BYTES=None),
    ),
    "a home elsewhere": (
        "volumes_hold_what_they_are_for",
        lambda o: config(o, LIBELLE_HOME="/srv"),
    ),
    "a small disk": (
        "volumes_hold_what_they_are_for",
        lambda o: put(api(o).container, "resources", "limits", "ephemeral-storage", "2Gi"),
    ),
    "no temporary folder": (
        "volumes_hold_what_they_are_for",
        lambda o: drop(workload(o, "libelle-training").container, "volumeMounts", 1),
    ),
    "another port": ("ports_agree", lambda o: config(o, LIBELLE_PORT="8080")),
    "no metrics": ("ports_agree", lambda o: config(o, LIBELLE_METRICS_PORT=None)),
    "loopback": ("ports_agree", lambda o: config(o, LIBELLE_HOST="127.0.0.1")),
    "a service for nobody": (
        "ports_agree",
        lambda o: put(one_of(o, "Service"), "spec", "selector", {"app": "x"}),
    ),
    "another API": ("ports_agree", lambda o: config(o, LIBELLE_API_URL="http://api")),
    "an ingress to nowhere": (
        "ingresses_lead_somewhere",
        lambda o: put(
            one_of(o, "Ingress"),
            "spec",
            "rules",
            0,
            "http",
            "paths",
            0,
            "backend",
            "service",
            "name",
            "x",
        ),
    ),
    "two hosts": (
        "ingresses_lead_somewhere",
        lambda o: put(one_of(o, "Ingress"), "spec", "tls", 0, "hosts", ["x.lab.sspcloud.fr"]),
    ),
    "no class": (
        "ingresses_lead_somewhere",
        lambda o: drop(one_of(o, "Ingress"), "spec", "ingressClassName"),
    ),
    "small bodies": (
        "the_ingress_lets_through_what_the_api_takes",
        lambda o: note(o, "proxy-body-size", "10m"),
    ),
    "larger files": (
        "the_ingress_lets_through_what_the_api_takes",
        lambda o: config(o, LIBELLE_MAX_FILE_BYTES=None),
    ),
    "short answers": (
        "the_ingress_lets_through_what_the_api_takes",
        lambda o: note(o, "proxy-read-timeout", "30"),
    ),
    "files kept whole": (
        "the_ingress_lets_through_what_the_api_takes",
        lambda o: note(o, "proxy-request-buffering", "on"),
    ),
    "a pod without policy": (
        "the_network_is_closed",
        lambda o: put(workload(o, "libelle-drift").labels, "app.kubernetes.io/part-of", "x"),
    ),
    "a way out": (
        "the_network_is_closed",
        lambda o: one_of(o, "NetworkPolicy", "libelle-all-pods")["spec"]["egress"].append({}),
    ),
    "another port out": (
        "the_network_is_closed",
        lambda o: put(
            one_of(o, "NetworkPolicy", "libelle-all-pods"),
            "spec",
            "egress",
            0,
            "ports",
            0,
            "port",
            22,
        ),
    ),
    "a way in": (
        "the_network_is_closed",
        lambda o: put(one_of(o, "NetworkPolicy", "libelle-all-pods"), "spec", "ingress", [{}]),
    ),
    "a scaler of nothing": (
        "selectors_match",
        lambda o: put(
            one_of(o, "HorizontalPodAutoscaler"), "spec", "scaleTargetRef", "kind", "Deployment"
        ),
    ),
    "a budget for nobody": (
        "selectors_match",
        lambda o: put(
            one_of(o, "PodDisruptionBudget"), "spec", "selector", "matchLabels", {"app": "x"}
        ),
    ),
    "a policy for nobody": (
        "selectors_match",
        lambda o: put(
            one_of(o, "NetworkPolicy", DASHBOARD),
            "spec",
            "podSelector",
            "matchLabels",
            {"app": "x"},
        ),
    ),
    "pods of another": (
        "selectors_match",
        lambda o: put(api(o).object, "spec", "selector", "matchLabels", {"app": "x"}),
    ),
    "a setting that is not": ("settings_are_real", lambda o: config(o, LIBELLE_WORKRES="2")),
    "a setting that cannot be": ("settings_are_real", lambda o: config(o, LIBELLE_WORKERS="many")),
    "a key nowhere": (
        "settings_are_real",
        lambda o: config(o, LIBELLE_LOG_KEY_FILE="/run/log-key"),
    ),
    "an open door": ("settings_are_real", lambda o: config(o, LIBELLE_AUTH="none")),
    "a variable that is no setting": (
        "settings_are_real",
        lambda o: put(api(o).container, "env", 0, "name", "AWS_KEY"),
    ),
    "a command that is not": (
        "commands_are_real",
        lambda o: put(api(o).container, "command", ["libelle", "sevre"]),
    ),
    "an option that is not": (
        "commands_are_real",
        lambda o: workload(o, "libelle-training").container["args"].append("--epochs=3"),
    ),
    "a script that is not": (
        "commands_are_real",
        lambda o: put(
            workload(o, "libelle-log-retention").container, "args", ["libelle log prune\n"]
        ),
    ),
    "metrics outside": (
        "no_metrics_outside",
        lambda o: one_of(o, "Service")["spec"]["ports"].append(
            {"port": 9100, "targetPort": "metrics"}
        ),
    ),
    "metrics in an ingress": (
        "no_metrics_outside",
        lambda o: put(
            one_of(o, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"],
            "name",
            METRICS,
        ),
    ),
    "one address for all replicas": (
        "the_dashboard_sees_every_replica",
        lambda o: drop(one_of(o, "Service", METRICS), "spec", "clusterIP"),
    ),
    "replicas that are not ready are not seen": (
        "the_dashboard_sees_every_replica",
        lambda o: drop(one_of(o, "Service", METRICS), "spec", "publishNotReadyAddresses"),
    ),
    "metrics asked elsewhere": (
        "the_dashboard_sees_every_replica",
        lambda o: config(o, LIBELLE_METRICS_URL="http://libelle-api:9100/metrics"),
    ),
    "metrics on another port": (
        "the_dashboard_sees_every_replica",
        lambda o: put(one_of(o, "Service", METRICS)["spec"]["ports"][0], "port", 80),
    ),
    "two dashboards": (
        "one_dashboard",
        lambda o: put(workload(o, DASHBOARD).object, "spec", "replicas", 2),
    ),
    "a training awake": (
        "training_sleeps",
        lambda o: drop(one_of(o, "CronJob", "libelle-training"), "spec", "suspend"),
    ),
    "two purges": (
        "training_sleeps",
        lambda o: drop(one_of(o, "CronJob", "libelle-log-retention"), "spec", "concurrencyPolicy"),
    ),
}
