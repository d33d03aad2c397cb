"""Places: where libelle runs, and under which names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from libelle.deployment.pins import Image, PinnedModel
from libelle.errors import UsageError

SSP_CLOUD = "lab.sspcloud.fr"
_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_REPOSITORY = re.compile(r"https://[\w.-]+(:\d+)?/[\w./~-]+|[\w.-]+@[\w.-]+:[\w./~-]+")
_ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./~-]*)?")
_BUCKET = re.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a deployment is told; what is None is left as it is.

    Attributes
    ----------
    user : str or None
        Of the SSP Cloud: namespace, bucket and MLflow are theirs unless given.
    namespace, host, bucket, mlflow, repository : str or None
    images : sequence of Image
    model : PinnedModel or None
    """

    user: str | None = None
    namespace: str | None = None
    host: str | None = None
    bucket: str | None = None
    mlflow: str | None = None
    repository: str | None = None
    images: Sequence[Image] = ()
    model: PinnedModel | None = None


def check_name(name: str, *, option: str) -> str:
    """Return the name of a user or of a namespace.

    Raises
    ------
    UsageError
        If Kubernetes would refuse it.
    """
    if not _LABEL.fullmatch(name) or len(name) > 58:
        raise UsageError(
            f"{option} {name}: small letters, digits and dashes inside, 58 at most, as in the "
            "address of your space."
        )
    return name


def check_host(host: str) -> str:
    """Return the name of the host where the service is seen.

    Raises
    ------
    UsageError
        If it is not one, or no certificate of the SSP Cloud covers it.
    """
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise UsageError(
            f"--host {host}: give the name of a host alone, such as libelle-me.{SSP_CLOUD}, "
            "without https:// nor path, in small letters."
        )
    above = host.removesuffix(f".{SSP_CLOUD}")
    if above != host and "." in above:
        raise UsageError(
            f"--host {host}: the certificate of the SSP Cloud covers one name before .{SSP_CLOUD}, "
            f"such as {above.replace('.', '-')}.{SSP_CLOUD}."
        )
    return host


def check_repository(address: str) -> str:
    """Return the address of the git repository that ArgoCD follows.

    Raises
    ------
    UsageError
        If it is not one, or holds a password.
    """
    if not _REPOSITORY.fullmatch(address):
        raise UsageError(
            "--repo: give the address of a git repository, such as "
            "https://github.com/OWNER/REPO.git, without any password."
        )
    return address


def check_address(address: str) -> str:
    """Return the address of an MLflow server.

    Raises
    ------
    UsageError
        If it is not one, or holds a password.
    """
    if not _ADDRESS.fullmatch(address):
        raise UsageError("--mlflow: give an address, such as https://…, without any password.")
    return address


def check_bucket(name: str) -> str:
    """Return the name of a bucket.

    Raises
    ------
    UsageError
        If S3 would refuse it.
    """
    if not _BUCKET.fullmatch(name):
        raise UsageError(f"--bucket {name}: the name alone of a bucket, without s3:// nor folder.")
    return name
