"""Deployment: what git says of where libelle runs, and of which image and model run there.

A deployment is two files: the overlay, `kubernetes/overlays/NAME/kustomization.yaml`, and
`argocd/application.yaml`. Both are edited value by value: comments and layout stay.
"""

from libelle.deployment.files import DeploymentFiles, uncommitted
from libelle.deployment.pins import Image, PinnedModel, parse_digest, parse_image, parse_version
from libelle.deployment.places import (
    Place,
    check_address,
    check_bucket,
    check_host,
    check_name,
    check_repository,
)
from libelle.deployment.writing import Change, bump, changes, configure, is_configured

__all__ = [
    "Change",
    "DeploymentFiles",
    "Image",
    "PinnedModel",
    "Place",
    "bump",
    "changes",
    "check_address",
    "check_bucket",
    "check_host",
    "check_name",
    "check_repository",
    "configure",
    "is_configured",
    "parse_digest",
    "parse_image",
    "parse_version",
    "uncommitted",
]
