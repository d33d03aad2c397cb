"""Store: one small object for each verdict, which is never written again."""

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from libelle.errors import DataError
from libelle.monitoring.feedback.rows import (
    Feedback,
    is_prediction_id,
    make_feedback_id,
    read_row,
)
from libelle.monitoring.prediction_log.open_segments import sync_folder
from libelle.monitoring.prediction_log.store import LogStore
from libelle.storage import is_remote, local_path

FOLDER = "feedback"
COMPACTED = "compacted"
AT_ONCE = 16
_ATTEMPTS = 10
_PREFIX_DIGITS = 2
_FILE = re.compile(r"([0-9a-f]{32})-(0|[1-9][0-9]{0,8})\.json")
_PREFIX = re.compile("[0-9a-f]{2}")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class Place(NamedTuple):
    """Where a verdict stands."""

    prediction_id: str
    coder: str
    n: int

    @property
    def name(self) -> str:
        """Return the name of the object, relative to the log."""
        return f"{folder_of(self.prediction_id)}/{self.coder}-{self.n}.json"


class Listing(NamedTuple):
    """What lies in the folder of the verdicts.

    Attributes
    ----------
    places : list of Place
    foreign : list of str
        Names that no verdict has.
    """

    places: list[Place]
    foreign: list[str]


class FeedbackStore(LogStore):
    """The verdicts that lie beside a log.

    Parameters
    ----------
    uri : str
        Folder of the log.
    options : StorageOptions
        Its deadline bounds each call.

    Raises
    ------
    StorageError
        If the kind of address is unknown.
    """

    def places_of(self, prediction_id: str) -> list[Place]:
        """Return where the verdicts on a prediction stand."""
        names = self._list_folder(folder_of(prediction_id))
        found = (read_place(f"{folder_of(prediction_id)}/{name}") for name in names)
        return [place for place in found if place]

    def list_all(self) -> Listing:
        """Return what lies in the folder of the verdicts; hidden files, half written, apart."""
        top = self._list(FOLDER)
        folders = [one for one in top if _PREFIX.fullmatch(one)]
        foreign = [f"{FOLDER}/{one}" for one in top if one not in folders and one != COMPACTED]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            inside = list(pool.map(lambda one: self._find(f"{FOLDER}/{one}"), folders))
        places = []
        for name in [*foreign, *(name for names in inside for name in names)]:
            if (place := read_place(name)) is not None:
                places.append(place)
            elif name not in foreign:
                foreign.append(name)
        return Listing(places, [name for name in foreign if not _is_hidden(name)])

    def read(self, place: Place) -> Feedback:
        """Read a verdict.

        Raises
        ------
        DataError
            If what stands there is not the verdict that its name says.
        FileNotFoundError
            If it is not there any more.
        LogStoreError
        """
        path = self._path(place.name)
        content = self._do(lambda: self._filesystem.cat_file(path), is_maybe_absent=True)
        row = read_row(content)
        if (row.prediction_id, row.coder, row.n) != place or row.feedback_id != make_feedback_id(
            *place
        ):
            raise DataError("it holds another verdict than its name says")
        return row

    def add(self, row: Feedback) -> bool:
        """Write a verdict, unless something stands in its place; tell whether it was written.

        Raises
        ------
        LogStoreError
        """
        name = Place(row.prediction_id, row.coder, row.n).name
        content = row.to_bytes()
        if is_remote(self.uri):
            return self._do(lambda: self._send_if_absent(self._path(name), content))
        return self._do(lambda: _write_if_absent(local_path(self.uri) / name, content))

    def compacted_names(self) -> list[str]:
        """Return the names of the files that spare reading each verdict."""
        folder = f"{FOLDER}/{COMPACTED}"
        names = self._list_folder(folder)
        return sorted(f"{folder}/{name}" for name in names if name.endswith(".parquet"))

    def forget(self, places: Iterable[Place]) -> None:
        """Delete verdicts, and the folders that they leave empty."""
        places = list(places)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda place: self.delete([place.name]), places))
        self._remove_empty({place.prediction_id for place in places})

    def forget_predictions(self, prediction_ids: Iterable[str]) -> int:
        """Delete all that lies in the folders of predictions; return how many files that was."""
        n_files = 0
        for prediction_id in prediction_ids:
            folder = folder_of(prediction_id)
            names = [f"{folder}/{name}" for name in self._list_folder(folder)]
            self.delete(names)
            self._remove_empty([prediction_id])
            n_files += len(names)
        return n_files

    def _list_folder(self, folder: str) -> list[str]:
        """Return the names in a folder; none if it is absent, whatever the reason."""
        try:
            found = self._do(partial(self._ls, self._path(folder)), is_maybe_absent=True)
        except FileNotFoundError:
            return []
        return [str(one).rstrip("/").rpartition("/")[2] for one in found]

    def _find(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, relative to the log."""
        if not is_remote(self.uri):
            root = local_path(self.uri)
            return self._do(lambda: [str(one.relative_to(root)) for one in _walk(root / folder)])
        path, start = self._path(folder), len(self._path("")) + 1
        found = self._do(lambda: self._filesystem.find(path), is_maybe_absent=True)
        return [str(one)[start:] for one in found]

    def _send_if_absent(self, path: str, content: bytes) -> bool:
        filesystem = self._filesystem
        try:
            filesystem.pipe_file(path, content, mode="create")
            return True
        except FileExistsError:
            return False
        except (NotImplementedError, TypeError):
            pass
        except OSError as error:
            # Servers that know no condition answer 501 or 400, others 412 without saying why.
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
        if filesystem.exists(path):
            return False
        filesystem.pipe_file(path, content)
        return bool(filesystem.cat_file(path) == content)

    def _remove_empty(self, prediction_ids: Iterable[str]) -> None:
        """Remove folders, which bear the identifiers of predictions; S3 has none."""
        if is_remote(self.uri):
            return
        for prediction_id in prediction_ids:
            with suppress(OSError):  # Another coder's verdict may be there, or come meanwhile.
                (local_path(self.uri) / folder_of(prediction_id)).rmdir()


def folder_of(prediction_id: str) -> str:
    """Return the folder of the verdicts on a prediction, relative to the log."""
    return f"{FOLDER}/{prediction_id[:_PREFIX_DIGITS]}/{prediction_id}"


def read_place(name: str) -> Place | None:
    """Return what the name of an object says; None if it is not that of a verdict."""
    *folders, file = name.split("/")
    found = _FILE.fullmatch(file)
    if found is None or not folders or not is_prediction_id(folders[-1]):
        return None
    place = Place(folders[-1], found[1], int(found[2]))
    return place if place.name == name else None


def _is_hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".")


def _walk(folder: Path) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # Erased meanwhile.
            raise error

    for path, _, names in os.walk(folder, onerror=tell):
        yield from (Path(path) / name for name in names)


def _write_if_absent(path: Path, content: bytes) -> bool:
    for _ in range(_ATTEMPTS):
        _make_folders(path.parent)
        with suppress(FileNotFoundError):  # The folder was empty, and removed meanwhile.
            return _write_in_folder(path, content)
    raise FileNotFoundError(path.parent)


def _write_in_folder(path: Path, content: bytes) -> bool:
    partial_path = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with partial_path.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        was_absent = _link(partial_path, path)
    finally:
        partial_path.unlink(missing_ok=True)
    sync_folder(path.parent)  # Even when another one won: its verdict is about to be told.
    return was_absent


def _link(source: Path, target: Path) -> bool:
    """Give a file its name, unless another one has it."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy_if_absent(source, target)
    return True


def _copy_if_absent(source: Path, target: Path) -> bool:
    """Do what a link does where there are none; cut in between, the verdict is damaged."""
    try:
        stream = target.open("xb")
    except FileExistsError:
        return False
    with stream:
        stream.write(source.read_bytes())
        stream.flush()
        os.fsync(stream.fileno())
    return True


def _make_folders(folder: Path) -> None:
    """Make folders, each of which outlives a power cut."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)
