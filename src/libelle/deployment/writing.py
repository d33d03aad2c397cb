"""Writing: a deployment is told its place once, then which image and model it runs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libelle.deployment.files import DeploymentFiles
from libelle.deployment.pins import Image, PinnedModel
from libelle.deployment.places import SSP_CLOUD, Place
from libelle.deployment.scalars import Keys, YamlText
from libelle.errors import DataError, UsageError

_PLACEHOLDER = re.compile(r"<([a-z][a-z-]*)>")
_MODEL_NAME = "<model-name>"
_S3 = re.compile("(?P<head>(?:[A-Z_]+=)s3://)[^/]+(?P<rest>/.*)")
_OPTION_OF = {
    "user": "--user",
    "host": "--host",
    "bucket": "--bucket",
    "mlflow": "--mlflow",
    "repo": "--repo",
    "model": "--model",
    "model-name": "--model",
    "model-digest": "--model",
}


@dataclass(frozen=True)
class Change:
    """A value that becomes another one."""

    file: str
    before: str
    after: str

    def line(self) -> str:
        """Return the change in words."""
        return f"{self.file}: {self.before} → {self.after}"


def configure(files: DeploymentFiles, place: Place) -> DeploymentFiles:
    """Return a deployment that was told its place.

    Raises
    ------
    UsageError
        If something is still missing.
    DataError
        If a file has no room for what it should hold.
    """
    texts = [files.overlay.replace(_values_of_overlay(files.overlay, place))]
    if files.application is not None:
        texts.append(files.application.replace(_values_of_application(place)))
    _refuse_leftovers(texts)
    return files.with_texts(texts)


def bump(
    files: DeploymentFiles, *, images: Sequence[Image] = (), model: PinnedModel | None = None
) -> DeploymentFiles:
    """Return a deployment that runs other images, or serves another model.

    Raises
    ------
    UsageError
        If the deployment was never configured.
    """
    _refuse_leftovers(files.texts)
    return configure(files, Place(images=images, model=model))


def is_configured(files: DeploymentFiles) -> bool:
    """Tell whether a deployment was told everything: no placeholder is left."""
    return not _leftovers(files.texts)


def changes(before: DeploymentFiles, after: DeploymentFiles) -> list[Change]:
    """Return what differs between two states of a deployment."""
    return [
        Change(was.name, was.values()[keys], value)
        for was, now in zip(before.texts, after.texts, strict=True)
        for keys, value in now.values().items()
        if was.values()[keys] != value
    ]


def _values_of_overlay(overlay: YamlText, place: Place) -> dict[Keys, str]:
    values = dict(_literals(overlay, place))
    written = {value.partition("=")[0] for value in values.values()}
    if missing := sorted(set(_settings_of(place)) - written):
        raise DataError(f"{overlay.name} has no literal {missing[0]}=…: restore it with git.")
    if namespace := _namespace_of(place):
        values[("namespace",)] = namespace
    _refuse_two_of_a_kind(place.images)
    for image in place.images:
        values |= _pin_image(overlay, image)
    return values


def _values_of_application(place: Place) -> dict[Keys, str]:
    values: dict[Keys, str] = {}
    if namespace := _namespace_of(place):
        values[("spec", "destination", "namespace")] = namespace
    if place.repository:
        values[("spec", "source", "repoURL")] = place.repository
    return values


def _namespace_of(place: Place) -> str | None:
    return place.namespace or (place.user and f"user-{place.user}")


def _literals(overlay: YamlText, place: Place) -> Iterator[tuple[Keys, str]]:
    """Give what the entries `NAME=value` of the generators become."""
    told, bucket = _implied_by(place) | _settings_of(place), place.bucket or place.user
    for keys, value in overlay.values().items():
        if keys[0] != "configMapGenerator" or "literals" not in keys:
            continue
        name, _, current = value.partition("=")
        if name in told:
            yield keys, f"{name}={told[name]}"
        elif bucket and (found := _S3.fullmatch(value)):
            yield keys, f"{found['head']}{bucket}{found['rest']}"
        elif place.model and _MODEL_NAME in current:
            yield keys, f"{name}={current.replace(_MODEL_NAME, place.model.name)}"


def _settings_of(place: Place) -> dict[str, str]:
    told: dict[str, str] = {}
    if place.model:
        told["LIBELLE_MODEL"] = place.model.uri
        told["LIBELLE_MODEL_DIGEST"] = place.model.digest
    if place.host:
        told["host"] = place.host
    if place.mlflow:
        told["MLFLOW_TRACKING_URI"] = place.mlflow
    return told


def _implied_by(place: Place) -> dict[str, str]:
    """Return the settings that follow from the others, where an overlay has them."""
    if place.user is None:
        return {}
    return {"MLFLOW_TRACKING_URI": f"https://user-{place.user}-mlflow.user.{SSP_CLOUD}"}


def _refuse_two_of_a_kind(images: Sequence[Image]) -> None:
    targets = [image.target for image in images]
    if twice := sorted({target for target in targets if targets.count(target) > 1}):
        raise UsageError(f"--image: two images are for {twice[0]}, and one can run. Give one.")


def _pin_image(overlay: YamlText, image: Image) -> dict[Keys, str]:
    values = overlay.values()
    wanted = f"libelle-{image.target}"
    for keys, value in values.items():
        if keys[0] == "images" and keys[-1] == "name" and value == wanted:
            entry = keys[:-1]
            if (*entry, "digest") in values:
                return {(*entry, "newName"): image.name, (*entry, "digest"): image.digest}
    raise UsageError(
        f"{overlay.name} pins no {wanted} by its digest: give it `newName` and `digest` under "
        "`images`, or choose another --overlay."
    )


def _leftovers(texts: Sequence[YamlText]) -> list[tuple[str, str]]:
    """Return the placeholders that texts still hold, each after the name of its file."""
    return [
        (text.name, placeholder)
        for text in texts
        for value in text.values().values()
        for placeholder in _PLACEHOLDER.findall(value)
    ]


def _refuse_leftovers(texts: Sequence[YamlText]) -> None:
    if left := _leftovers(texts):
        files = " and ".join(sorted({name for name, _ in left}))
        missing = ", ".join(sorted({f"<{placeholder}>" for _, placeholder in left}))
        options = sorted({_OPTION_OF.get(placeholder, "--image") for _, placeholder in left})
        raise UsageError(
            f"{files} would still hold {missing}: give {', '.join(options)} to `libelle deploy "
            "configure`. Nothing was written."
        )
