"""Pins: images and models named so that they are the same tomorrow."""

import re
from dataclasses import dataclass

from libelle.errors import UsageError

TARGETS = ("api", "train", "dashboard")
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+([.-][a-z0-9]+)*(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+)"
    r"(:[\w.-]{1,128})?@(?P<digest>sha256:[0-9a-f]{64})"
)
# A name that `libelle train --model` takes.
_VERSION = re.compile(r"models:/(?P<name>\w(?:[\w .-]{0,98}\w)?)/[1-9]\d{0,8}")
_ALIAS = re.compile(r"models:/[^/@\s]+@\S+")
_FOLDER = re.compile(r"/[\w./-]*\w/?")
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Image:
    """An image by its digest, and which of the three it is."""

    target: str
    name: str
    digest: str


@dataclass(frozen=True)
class PinnedModel:
    """A version or a folder, and the digest that it must have."""

    uri: str
    digest: str

    @property
    def name(self) -> str:
        """Return the registered name, or the last part of the folder."""
        if match := _VERSION.fullmatch(self.uri):
            return match["name"]
        return self.uri.rstrip("/").rpartition("/")[2]


def parse_image(reference: str) -> Image:
    """Return what an image reference names.

    Raises
    ------
    UsageError
        If it is not `NAME@sha256:DIGEST`, or the name does not end in `-api`, `-train` or
        `-dashboard`.
    """
    match = _IMAGE.fullmatch(reference)
    if match is None:
        raise UsageError(
            f"--image {reference}: {_why_not_pinned(reference)} Give NAME@sha256:DIGEST, which "
            "`docker buildx imagetools inspect NAME:TAG` and the release workflow print."
        )
    target = match["name"].rpartition("-")[2]
    if target not in TARGETS:
        raise UsageError(
            f"--image {reference}: the name has to end in -{', -'.join(TARGETS)}, which says what "
            "it is for."
        )
    return Image(target, match["name"], match["digest"])


def _why_not_pinned(reference: str) -> str:
    name, _, digest = reference.partition("@")
    if digest:
        return "a digest is sha256: and 64 digits from 0 to f, after a name in small letters."
    if ":" in name.rpartition("/")[2]:
        tag = name.rpartition(":")[2]
        return f"the tag {tag} may be another image tomorrow."
    return "without a digest it may be another image tomorrow."


def parse_version(uri: str) -> str:
    """Return the address of a model that does not move: a version of the registry, or a folder.

    Raises
    ------
    UsageError
        If it is an alias, or neither.
    """
    if _VERSION.fullmatch(uri) or _FOLDER.fullmatch(uri):
        return uri
    if _ALIAS.fullmatch(uri):
        raise UsageError(
            f"--model {uri} is an alias, which moves without any commit. Give the version that it "
            "is now, models:/NAME/3: `libelle models show` says which."
        )
    raise UsageError(
        f"--model {uri}: give a version, models:/NAME/3, or the whole path of a folder of the pod, "
        "/models/NAME. The service reads no model from elsewhere."
    )


def parse_digest(digest: str) -> str:
    """Return the digest of a model.

    Raises
    ------
    UsageError
        If it is not whole.
    """
    if not _DIGEST.fullmatch(digest):
        raise UsageError(
            f"--digest {digest}: the digest of a model is 64 digits from 0 to f, as "
            "`libelle models show NAME --json` prints it."
        )
    return digest
