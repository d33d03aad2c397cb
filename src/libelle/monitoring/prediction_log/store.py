"""Store: the folder of the log, local or remote, one sub-folder a day.

No call to a remote place lasts longer than its deadline, whatever the library beneath does.
"""

import errno
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, TypeVar

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.open_segments import sync_folder
from libelle.storage import (
    DEFAULT_OPTIONS,
    S3_REFUSALS,
    StorageOptions,
    delete_half_written,
    is_remote,
    local_path,
    open_filesystem,
    redact,
    s3_code,
    write_atomically,
)

SUFFIX = ".parquet"
GRACE_SECONDS = 5.0
SLOWEST_BYTES_A_SECOND = 1 << 20
_AT_ONCE = 8
_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")

Answer = TypeVar("Answer")


class FailureKind(StrEnum):
    """Why the place of the log did not do what was asked."""

    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    SLOW_DOWN = "slow_down"
    NO_SPACE = "no_space"
    OTHER = "other"


_MEANINGS = {
    FailureKind.UNREACHABLE: "the server cannot be reached. Check the address.",
    FailureKind.NO_ANSWER: "no answer within the deadline. Is the server up?",
    FailureKind.REFUSED: "access is refused. Check the key and its expiry, or the rights.",
    FailureKind.NOT_FOUND: "nothing stands at this address. Check the bucket or the folder.",
    FailureKind.SLOW_DOWN: "the server is ill, or asks to slow down. Try later.",
    FailureKind.NO_SPACE: "no space is left there. Free some.",
}


class LogStoreError(StorageError):
    """The place of the log did not do what was asked; `kind` says why."""

    def __init__(self, uri: str, kind: FailureKind, cause: BaseException) -> None:
        meaning = _MEANINGS.get(kind, f"{type(cause).__name__} was raised there.")
        super().__init__(f"The prediction log {redact(uri)} is out of reach: {meaning}")
        self.kind = kind


class LogStore:
    """The files of a log.

    Parameters
    ----------
    uri : str
        Folder of the log.
    options : StorageOptions

    Raises
    ------
    StorageError
        If the kind of address is unknown.
    """

    def __init__(self, uri: str, options: StorageOptions = DEFAULT_OPTIONS) -> None:
        self.uri = uri.rstrip("/")
        self._options = options
        self._filesystem, self._root = open_filesystem(self.uri, options)

    def days(self) -> list[date]:
        """Return the days that have a folder, earliest first; none when there is no log yet."""
        return sorted(day for name in self._list("") if (day := _day_of(name)) is not None)

    def files(self, day: date) -> list[str]:
        """Return the names of the files of a day, relative to the log."""
        folder = folder_of(day)
        return sorted(f"{folder}/{name}" for name in self._list(folder) if _is_visible(name))

    def sizes(self, day: date) -> dict[str, int]:
        """Return the size of each file of a day, by its name relative to the log."""
        path, folder = self._path(folder_of(day)), folder_of(day)
        try:
            found = self._do(partial(self._ls_sizes, path), is_maybe_absent=True)
        except FileNotFoundError:
            return {}
        return {f"{folder}/{name}": size for name, size in found.items() if _is_visible(name)}

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading; raise `FileNotFoundError` if it is not there any more."""
        path = self._path(name)
        opened: IO[bytes] = self._do(
            lambda: self._filesystem.open(path, "rb"), is_maybe_absent=True
        )
        return opened

    def put_once(self, name: str, content: bytes) -> None:
        """Write a file whole; a file of that name that is there already is taken for this one.

        Raises
        ------
        LogStoreError
        """
        if is_remote(self.uri):
            self._do(lambda: self._send(self._path(name), content), n_bytes=len(content))
            return
        path = local_path(self.uri) / name
        self._do(lambda: _make_folders(path.parent))
        self._do(lambda: _write(path, content, self._options))

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are not there any more do not matter."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._delete, names))

    def delete_day(self, day: date) -> int:
        """Delete a day, and return how many files that was."""
        names = [f"{folder_of(day)}/{name}" for name in self._list(folder_of(day))]
        self.delete(names)
        if not is_remote(self.uri):
            self._do((local_path(self.uri) / folder_of(day)).rmdir)
        return len(names)

    def delete_half_written(self) -> None:
        """Delete what writers that were killed left of files: it may hold texts, and none reads it.

        A writer that is still alive fails once, and tries again.
        """
        if not is_remote(self.uri):
            for day in self.days():
                folder = local_path(self.uri) / folder_of(day)
                self._do(partial(delete_half_written, folder))

    def address(self, name: str) -> str:
        """Return a name as it may be shown."""
        return f"{redact(self.uri)}/{name}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _list(self, folder: str) -> list[str]:
        try:
            found = self._do(partial(self._ls, self._path(folder)), is_maybe_absent=True)
        except FileNotFoundError:
            if is_remote(self.uri):
                self._do(lambda: self._ls(self._root.partition("/")[0]))  # Is there a bucket?
            return []
        return [str(one).rstrip("/").rpartition("/")[2] for one in found]

    def _ls(self, path: str) -> list[str]:
        self._filesystem.invalidate_cache()
        listed: list[str] = self._filesystem.ls(path, detail=False)
        return listed

    def _ls_sizes(self, path: str) -> dict[str, int]:
        self._filesystem.invalidate_cache()
        listed = self._filesystem.ls(path, detail=True)
        names = (str(one["name"]).rstrip("/").rpartition("/")[2] for one in listed)
        return {name: int(one["size"] or 0) for name, one in zip(names, listed, strict=True)}

    def _send(self, path: str, content: bytes) -> None:
        try:
            self._filesystem.pipe_file(path, content, mode="create")
        except FileExistsError:
            return
        except (NotImplementedError, TypeError):
            self._filesystem.pipe_file(path, content)
        except OSError as error:
            # Servers that know no condition answer 501 or 400, others 412 without saying why.
            if error.errno == errno.EINVAL and self._filesystem.exists(path):
                return
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            self._filesystem.pipe_file(path, content)

    def _delete(self, name: str) -> None:
        path = self._path(name)
        with suppress(FileNotFoundError):
            self._do(lambda: self._filesystem.rm_file(path), is_maybe_absent=True)
            if not is_remote(self.uri):  # Erased rows must not come back after a power cut.
                self._do(lambda: sync_folder(Path(path).parent))

    def _do(
        self, call: Callable[[], Answer], *, is_maybe_absent: bool = False, n_bytes: int = 0
    ) -> Answer:
        """Do a call within the deadline, which bytes to send put off."""
        seconds = self._options.deadline_seconds + GRACE_SECONDS + n_bytes / SLOWEST_BYTES_A_SECOND
        try:
            if not is_remote(self.uri):
                return call()
            return _within(seconds, call)
        except Exception as error:  # Each kind of filesystem raises errors of its own.
            if is_maybe_absent and isinstance(error, FileNotFoundError):
                raise
            raise LogStoreError(self.uri, kind_of(error), error) from error


def folder_of(day: date) -> str:
    """Return the name of the folder of a day."""
    return f"date={day.isoformat()}"


def _day_of(folder: str) -> date | None:
    found = _DAY.fullmatch(folder)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def kind_of(error: BaseException) -> FailureKind:
    """Return why a call failed, from what any filesystem may raise."""
    name, number = type(error).__name__, getattr(error, "errno", None)
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return FailureKind.NO_ANSWER
    if isinstance(error, FileNotFoundError):
        return FailureKind.NOT_FOUND
    if isinstance(error, PermissionError) or "Credentials" in name or number == errno.EROFS:
        return FailureKind.REFUSED
    if s3_code(error) in S3_REFUSALS:
        return FailureKind.REFUSED
    if isinstance(error, ConnectionError) or "Connect" in name:
        return FailureKind.UNREACHABLE
    if number == errno.EBUSY or number == errno.EREMOTEIO:
        return FailureKind.SLOW_DOWN
    if number in (errno.ENOSPC, errno.EDQUOT):
        return FailureKind.NO_SPACE
    return FailureKind.OTHER


def _is_visible(name: str) -> bool:
    return not name.startswith((".", "_"))


def _make_folders(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)  # The first day comes with the log itself.


def _write(path: Path, content: bytes, options: StorageOptions) -> None:
    if path.exists():
        return
    try:
        with write_atomically(path, options) as stream:
            stream.write(content)
    except StorageError as error:
        raise error.__cause__ or error from error


def _within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what a call returns, or leave it alone in its thread once the time is over."""
    outcome: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:
            outcome.put((None, error))

    thread = Thread(target=work, name="libelle-store", daemon=True)
    thread.start()
    try:
        answer, error = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    # A process that exits while it ends would cut it inside of Arrow, and abort.
    thread.join()
    if error is not None:
        raise error
    result: Answer = answer
    return result
