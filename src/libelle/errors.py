"""Errors: every error that libelle raises on purpose, one small tree.

LibelleError
├── UsageError             what was asked cannot be done as asked
├── ConflictError          what was asked contradicts what stands
├── StorageError           a place that cannot be read or written
├── DataError              coded texts, or texts to code, that cannot be used
├── NomenclatureError      a nomenclature that contradicts itself
├── MissingPackageError    an optional package that this work needs
├── TrainingError          a training that cannot go on
├── ModelError             a model that cannot be loaded or trusted
└── TrackingError          runs or registry without what was asked
    └── UnreachableError   … or out of reach: the same may succeed later

Each message says what happened, where, and what to do. No message holds a text to code: texts may
be personal data.
"""

from typing import Any


class LibelleError(Exception):
    """Base of every error raised on purpose; its message is made to be shown to a user."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error cross processes, whatever its `__init__` takes."""
        return _make_again, (type(self), self.args, vars(self))


class UsageError(LibelleError):
    """What was asked cannot be done as asked: an option, a setting, a combination of them."""


class ConflictError(LibelleError):
    """What was asked contradicts what stands already."""


class StorageError(LibelleError):
    """A file or an address that cannot be read or written."""


class DataError(LibelleError):
    """Coded texts, or texts to code, that cannot be used as they are."""


class NomenclatureError(LibelleError):
    """A nomenclature that contradicts itself, or a code that it does not contain."""


class MissingPackageError(LibelleError):
    """An optional package that this work needs and that is absent."""

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install libelle with its extra [{extra}]."
        )
        self.package, self.extra = package, extra


class TrainingError(LibelleError):
    """A training that cannot go on."""


class ModelError(LibelleError):
    """A model that cannot be loaded, or should not be trusted."""


class TrackingError(LibelleError):
    """Runs or registry out of reach, or without what was asked."""


class UnreachableError(TrackingError):
    """Runs or registry that do not answer, or not in time: the same may succeed later."""


def _make_again(
    kind: type[LibelleError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> LibelleError:
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error
