"""Manifests: how tests look at objects of Kubernetes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

API, DASHBOARD, METRICS = "libelle-api", "libelle-dashboard", "libelle-metrics"
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_NGINX = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")


@dataclass(frozen=True)
class Workload:
    """An object that makes pods."""

    object: dict
    template: dict

    @property
    def name(self) -> str:
        return self.object["metadata"]["name"]

    @property
    def kind(self) -> str:
        return self.object["kind"]

    @property
    def spec(self) -> dict:
        return self.template["spec"]

    @property
    def labels(self) -> dict:
        return self.template["metadata"]["labels"]

    @property
    def container(self) -> dict:
        (container,) = self.spec["containers"]
        return container

    @property
    def is_service(self) -> bool:
        return self.kind in ("Deployment", "StatefulSet")


def workloads(objects) -> list[Workload]:
    found = []
    for one in objects:
        if one["kind"] == "CronJob":
            found.append(Workload(one, one["spec"]["jobTemplate"]["spec"]["template"]))
        elif one["kind"] in WORKLOADS:
            found.append(Workload(one, one["spec"]["template"]))
    return found


def workload(objects, name) -> Workload:
    (found,) = [one for one in workloads(objects) if one.name == name]
    return found


def of_kind(objects, kind, name=None) -> list[dict]:
    return [
        one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]


def walk(value, path=()) -> Iterator[tuple[tuple, object]]:
    """Give every value of an object, with the way to it."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from walk(inside, (*path, key))
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            yield from walk(inside, (*path, place))
    else:
        yield path, value


def variables(objects, one: Workload) -> dict[str, str]:
    """Return the variables that a container is given as values."""
    found = {}
    for source in one.container["envFrom"]:
        (config,) = of_kind(objects, "ConfigMap", source["configMapRef"]["name"])
        found |= config["data"]
    return found | {v["name"]: v["value"] for v in one.container["env"] if "value" in v}


def secrets(one: Workload) -> set[tuple[str, str]]:
    """Return the Secrets that a pod asks for, with their keys."""
    refs = [v["valueFrom"]["secretKeyRef"] for v in one.container["env"] if "valueFrom" in v]
    found = {(ref["name"], ref["key"]) for ref in refs}
    for volume in one.spec["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            found |= {(source["secret"]["name"], item["key"]) for item in source["secret"]["items"]}
    return found


def secret_files(one: Workload) -> set[str]:
    """Return the files of the Secrets that a container has."""
    (mount,) = [m for m in one.container["volumeMounts"] if m["name"] == "secrets"]
    (volume,) = [v for v in one.spec["volumes"] if v["name"] == "secrets"]
    return {
        f"{mount['mountPath']}/{item['path']}"
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }


def quantity(text) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", str(text)).groups()
    return float(number) * _BINARY[unit]


def nginx_bytes(text) -> int:
    number, unit = re.fullmatch(r"(\d+)([kmg]?)", text).groups()
    return int(number) * _NGINX[unit]


def selects(selector: dict, labels: dict) -> bool:
    return selector.items() <= labels.items()
