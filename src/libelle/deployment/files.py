"""Files: those of a deployment in a clone, read together and written whole."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from libelle.deployment.scalars import YamlText
from libelle.errors import DataError, UsageError
from libelle.storage import write_atomically

OVERLAYS = Path("kubernetes/overlays")
APPLICATION = Path("argocd/application.yaml")


@dataclass(frozen=True)
class DeploymentFiles:
    """The overlay and the Application that follows it.

    Attributes
    ----------
    root : Path
        The clone.
    overlay : YamlText
    application : YamlText or None
        None when it follows another overlay.
    """

    root: Path
    overlay: YamlText
    application: YamlText | None

    @classmethod
    def read(cls, root: Path, name: str) -> "DeploymentFiles":
        """Read the files of an overlay.

        Raises
        ------
        UsageError
            If there is no such clone, or no such overlay in it.
        DataError
            If a file is not YAML.
        """
        folder = root / OVERLAYS
        if not folder.is_dir():
            raise UsageError(
                f"{root.absolute()} holds no {OVERLAYS}: run this in a clone of the repository, or "
                "name it with --folder."
            )
        if "/" in name or not (folder / name / "kustomization.yaml").is_file():
            known = ", ".join(
                sorted(one.parent.name for one in folder.glob("*/kustomization.yaml"))
            )
            raise UsageError(f"--overlay {name}: {folder} holds {known or 'none'}.")
        overlay = _read(root, OVERLAYS / name / "kustomization.yaml")
        application = _read(root, APPLICATION) if (root / APPLICATION).is_file() else None
        follows = application and application.values().get(("spec", "source", "path"))
        return cls(root, overlay, application if follows == str(OVERLAYS / name) else None)

    @property
    def texts(self) -> list[YamlText]:
        """Return both."""
        return [self.overlay, *([self.application] if self.application else [])]

    def with_texts(self, texts: Sequence[YamlText]) -> "DeploymentFiles":
        """Return the files with other contents, in the order of `texts`."""
        return replace(self, overlay=texts[0], application=texts[1] if len(texts) > 1 else None)

    def write(self, before: "DeploymentFiles") -> list[str]:
        """Write what differs from `before`, each file whole or not at all; return their names."""
        changed = [
            text
            for text, was in zip(self.texts, before.texts, strict=True)
            if text.text != was.text
        ]
        for text in changed:
            with write_atomically(self.root / text.name) as stream:
                stream.write(text.text.encode())
        return [text.name for text in changed]


def uncommitted(files: DeploymentFiles) -> list[str]:
    """Return the files of a deployment that differ from the last commit; none outside git."""
    names = [text.name for text in files.texts]
    command = ["git", "-C", str(files.root), "status", "--porcelain", "--", *names]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line[3:] for line in said.stdout.splitlines()]


def _read(root: Path, path: Path) -> YamlText:
    try:
        text = (root / path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: correct it, or restore it with git.") from error
    return YamlText(text, name=path.as_posix())
