"""Deploy: write in git where libelle runs, and which image and model run there."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json
from libelle.errors import TrackingError, UsageError
from libelle.settings import read_settings

if TYPE_CHECKING:
    from libelle.deployment import DeploymentFiles, PinnedModel

app = typer.Typer(
    no_args_is_help=True, help="Write in git where libelle runs, with which image and model."
)

Folder = Annotated[
    Path, typer.Option("--folder", metavar="FOLDER", help="Clone that holds `kubernetes/`.")
]
Overlay = Annotated[str, typer.Option("--overlay", metavar="NAME", help="Overlay to write.")]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="NAME@sha256:…",
        help="Image whose name ends in -api, -train or -dashboard; several times.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="MODEL", help="models:/NAME/3, or the path of a folder of the pod."
    ),
]
Digest = Annotated[
    str | None,
    typer.Option(
        "--digest", help="Digest of that model [what the registry, or the folder here, says]."
    ),
]


@app.command("configure")
def configure(
    user: Annotated[
        str | None,
        typer.Option(
            "--user", metavar="NAME", help="Of the SSP Cloud: namespace user-NAME, bucket NAME."
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Where the service is seen.")
    ] = None,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="URL", help="Repository that ArgoCD follows.")
    ] = None,
    image: Images = None,
    model: Model = None,
    digest: Digest = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Another one, such as projet-NAME.")
    ] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", help="Another bucket than that of the user.")
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option("--mlflow", metavar="URL", help="MLflow seen by the pods [the user's own]."),
    ] = None,
    folder: Folder = Path(),
    overlay: Overlay = "sspcloud",
    json: Json = False,
) -> None:
    """Tell a deployment its place, its images and its model; nothing is written if one is missing.

    Example: `libelle deploy configure --user jdoe --host libelle-jdoe.lab.sspcloud.fr
    --repo https://github.com/jdoe/libelle.git --model models:/demo/1
    --image ghcr.io/jdoe/libelle-api@sha256:… --image ghcr.io/jdoe/libelle-train@sha256:…
    --image ghcr.io/jdoe/libelle-dashboard@sha256:…`
    """
    from libelle.deployment import (
        DeploymentFiles,
        Place,
        check_address,
        check_bucket,
        check_host,
        check_name,
        check_repository,
    )
    from libelle.deployment import configure as configure_files
    from libelle.deployment import parse_image

    place = Place(
        user=user and check_name(user, option="--user"),
        namespace=namespace and check_name(namespace, option="--namespace"),
        host=host and check_host(host),
        bucket=bucket and check_bucket(bucket),
        mlflow=mlflow and check_address(mlflow),
        repository=repo and check_repository(repo),
        images=[parse_image(reference) for reference in _distinct(image)],
        model=_pin(model, digest),
    )
    before = DeploymentFiles.read(folder, overlay)
    after = configure_files(before, place)
    _write(before, after, f"Configure the deployment {overlay}", json=json)


@app.command("bump")
def bump(
    image: Images = None,
    model: Model = None,
    digest: Digest = None,
    folder: Folder = Path(),
    overlay: Overlay = "sspcloud",
    json: Json = False,
) -> None:
    """Run another image, or serve another model: what changes is pinned, and is one commit.

    Example: `libelle deploy bump --model models:/demo/4
    --image ghcr.io/jdoe/libelle-api@sha256:…`
    """
    from libelle.deployment import DeploymentFiles
    from libelle.deployment import bump as bump_files
    from libelle.deployment import changes, parse_image, uncommitted

    if not image and model is None:
        raise UsageError("Nothing to change: give --image, --model, or both.")
    images = [parse_image(reference) for reference in _distinct(image)]
    pinned = _pin(model, digest)
    before = DeploymentFiles.read(folder, overlay)
    after = bump_files(before, images=images, model=pinned)
    if changes(before, after) and (changed := uncommitted(before)):
        raise UsageError(
            f"{', '.join(changed)}: changes that are not committed. Commit or undo them first: "
            "each change is a commit of its own, so that `git revert` takes it back."
        )
    named = [one.name.rpartition("/")[2] for one in images] + ([pinned.uri] if pinned else [])
    _write(before, after, f"Deploy {', '.join(named)}", json=json)


def _distinct(references: Sequence[str] | None) -> list[str]:
    return list(dict.fromkeys(references or ()))


def _pin(model: str | None, digest: str | None) -> "PinnedModel | None":
    """Return a model and its digest: that given, or what the registry or the folder says."""
    from libelle.deployment import PinnedModel, parse_digest, parse_version

    if model is None:
        if digest is not None:
            raise UsageError("--digest is that of a model: give --model too.")
        return None
    uri = parse_version(model)
    return PinnedModel(uri, parse_digest(digest) if digest else _find_digest(uri))


def _find_digest(uri: str) -> str:
    if uri.startswith("models:/"):
        return _registered_digest(uri)
    from libelle.predictor.folder import find_folder, read_manifest

    if not Path(uri).is_dir():
        raise UsageError(
            f"--model {uri}: no such folder here. If the pod will have it, give its --digest, as "
            "`libelle train` printed it."
        )
    return read_manifest(find_folder(Path(uri)))[1]


def _registered_digest(uri: str) -> str:
    from libelle.cli.registering import tracking_uri
    from libelle.tracking.registry import show_model

    (version,) = show_model(uri, tracking_uri=tracking_uri(read_settings())).versions
    if version.digest is None:
        raise TrackingError(f"{uri} has no digest: it was not made by libelle. Choose another.")
    return version.digest


def _write(
    before: "DeploymentFiles", after: "DeploymentFiles", subject: str, *, json: bool
) -> None:
    """Write what changed, say it, and say what to commit."""
    from libelle.deployment import changes

    made = changes(before, after)
    names = after.write(before)
    commands = [
        f"git add {' '.join(names)}",
        f'git commit -m "{subject}"',
        "git push",
    ]
    if json:
        print_json(
            {
                "changes": [
                    {"file": one.file, "before": one.before, "after": one.after} for one in made
                ],
                "commands": commands if names else [],
            }
        )
    elif names:
        print_lines([*(one.line() for one in made), "", "Then:", *(f"  {c}" for c in commands)])
    else:
        print_lines(["Nothing changes: the files say so already."])
