"""Storage: an address, local or remote, becomes a file that is read or written whole."""

import errno
import logging
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from libelle.errors import StorageError

logger = logging.getLogger(__name__)

_S3_PROTOCOLS = ("s3", "s3a")
_HTTP_PROTOCOLS = ("http", "https")
# What s3fs gives as another error than a refusal; an expired token is a bare 400 for a HEAD.
S3_REFUSALS = frozenset({"InvalidToken", "400"})
# Ends the hidden name of a file that is not whole yet.
_HALF_WRITTEN = ".part"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """Where S3 stands, with what key, and how long one call may take.

    Attributes
    ----------
    endpoint_url : str or None
        Address of the S3 server, with or without scheme (`https` then); Amazon's if None.
    region : str or None
    access_key_id, secret_access_key, session_token : str or None
        The key; without one, the usual places of AWS clients are looked at.
    deadline_seconds : float
        Longest wait for one answer: s3fs alone waits without end for a server that hangs.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    deadline_seconds: float = 60.0


DEFAULT_OPTIONS = StorageOptions()


def is_remote(uri: str | Path) -> bool:
    """Tell whether `uri` is anything but a path of this machine."""
    return _protocol(uri) != "file"


def redact(uri: str | Path) -> str:
    """Return `uri` as it may be shown: without password, nor signature in its query."""
    if not is_remote(uri):
        return str(uri)
    parts = urlsplit(str(uri))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def open_filesystem(uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS) -> tuple[Any, str]:
    """Return the fsspec filesystem of an address, and the path of the address in it.

    On S3 and HTTP each call is bounded by the deadline of `options`.

    Raises
    ------
    StorageError
        If the kind of address is unknown, or needs a package that is absent.
    """
    protocol = _protocol(uri)
    try:
        if protocol in _S3_PROTOCOLS:
            filesystem = _s3_filesystem(options)
        elif protocol in _HTTP_PROTOCOLS:
            filesystem = _http_filesystem(options)
        else:
            return _any_filesystem(uri)
    except (ImportError, ValueError, TypeError, OSError) as error:
        raise StorageError(
            f"{redact(uri)}: addresses in {protocol}:// cannot be opened here ({error}). "
            "Give a path, s3:// or https://."
        ) from error
    path = str(filesystem._strip_protocol(str(uri)))
    return filesystem, path


def _any_filesystem(uri: str | Path) -> tuple[Any, str]:
    """Let fsspec take from an address what its kind needs, a host or a repository for instance."""
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(str(uri))
    return filesystem, str(path)


@contextmanager
def local_copy(uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS) -> Iterator[Path]:
    """Give a local file with the content of `uri`: itself, or a temporary copy if it is remote.

    Raises
    ------
    StorageError
        If the address cannot be read: absent, refused, silent, or no space left for the copy.
    """
    if not is_remote(uri):
        yield _readable_path(uri)
        return
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        copy = Path(folder) / (Path(urlsplit(str(uri)).path).name or "download")
        _download(uri, copy, options)
        yield copy


@contextmanager
def open_binary(uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS) -> Iterator[IO[bytes]]:
    """Open `uri` for reading, as bytes that can be sought; a remote file is fetched whole first.

    Raises
    ------
    StorageError
        As `local_copy`.
    """
    with local_copy(uri, options) as path, path.open("rb") as stream:
        yield stream


@contextmanager
def write_atomically(
    uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS
) -> Iterator[IO[bytes]]:
    """Write `uri` whole or not at all.

    A local file is written beside its place, flushed to the disk, then renamed; a remote one is
    sent in one piece at the end. After an error, what stood there before still stands.

    Raises
    ------
    StorageError
        If the place cannot be written, or is full.
    """
    writing = _sent_at_the_end(uri, options) if is_remote(uri) else _renamed_at_the_end(uri)
    with writing as stream:
        yield stream


@contextmanager
def _renamed_at_the_end(uri: str | Path) -> Iterator[IO[bytes]]:
    path = local_path(uri)
    partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}{_HALF_WRITTEN}")
    try:
        stream = partial.open("xb")
    except OSError as error:
        raise _failure("written", uri, error) from error
    try:
        with _told_when_full(uri), stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _rename(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def delete_half_written(folder: Path) -> None:
    """Delete what writers that were killed left in a folder; one that is still alive fails once."""
    for path in folder.glob(f".*{_HALF_WRITTEN}"):
        path.unlink(missing_ok=True)


def _rename(partial: Path, path: Path) -> None:
    try:
        partial.replace(path)
    except OSError as error:
        raise _failure("written", path, error) from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _sent_at_the_end(uri: str | Path, options: StorageOptions) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        copy = Path(folder) / "upload"
        with _told_when_full(uri), copy.open("wb") as stream:
            yield stream
        filesystem, path = open_filesystem(uri, options)
        try:
            filesystem.put_file(str(copy), path)
        except Exception as error:  # Each kind of filesystem raises errors of its own.
            raise _failure("written", uri, error, options) from error


@contextmanager
def _told_when_full(uri: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise _failure("written", uri, error) from error
        raise


def local_path(uri: str | Path) -> Path:
    """Return the path that a local address names: `data.csv`, `~/data.csv`, `file:///data.csv`."""
    text = str(uri)
    if text.startswith("file://"):
        return Path(unquote(text.removeprefix("file://")))
    return Path(text).expanduser()


def _readable_path(uri: str | Path) -> Path:
    path = local_path(uri)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise _failure("read", uri, error) from error


def _download(uri: str | Path, copy: Path, options: StorageOptions) -> None:
    filesystem, path = open_filesystem(uri, options)
    if _protocol(uri) in _S3_PROTOCOLS and "/" not in path.strip("/"):
        raise StorageError(f"{redact(uri)} is a bucket. Give the address of one file in it.")
    logger.info("Reading %s", redact(uri))
    try:
        filesystem.get_file(path, str(copy))
    except Exception as error:  # Each kind of filesystem raises errors of its own.
        raise _failure("read", uri, error, options) from error
    if not copy.is_file():
        raise _failure("read", uri, IsADirectoryError(), options)


def _protocol(uri: str | Path) -> str:
    if isinstance(uri, Path) or "://" not in uri:
        return "file"
    return uri.partition("://")[0].lower()


def _s3_filesystem(options: StorageOptions) -> Any:
    config: dict[str, Any] = {
        "connect_timeout": min(10.0, options.deadline_seconds),
        "read_timeout": options.deadline_seconds,
        "retries": {"max_attempts": 2},
        "http_session_cls": _staying_session_class(),
    }
    if options.endpoint_url:
        # Servers other than Amazon's: no bucket in the host's name, no checksum they do not know.
        config["s3"] = {"addressing_style": "path"}
        config["request_checksum_calculation"] = "when_required"
        config["response_checksum_validation"] = "when_required"
    return _bounded_s3_class()(
        deadline_seconds=options.deadline_seconds,
        endpoint_url=with_scheme(options.endpoint_url),
        key=options.access_key_id,
        secret=options.secret_access_key,
        token=options.session_token,
        client_kwargs={"region_name": options.region} if options.region else {},
        config_kwargs=config,
        use_listings_cache=False,
    )


@cache
def _staying_session_class() -> Any:
    """Return how S3 is spoken to: by no other address than the one that was given."""
    from aiobotocore.httpsession import AIOHTTPSession

    class Staying:
        def __init__(self, session: Any) -> None:
            self._session = session

        def request(self, *args: Any, **options: Any) -> Any:
            return self._session.request(*args, **options, allow_redirects=False)

    class StayingSession(AIOHTTPSession):  # type: ignore[misc]
        async def _get_session(self, proxy_url: str | None) -> Any:
            return Staying(await super()._get_session(proxy_url))

    return StayingSession


@cache
def _bounded_s3_class() -> Any:
    import asyncio

    from s3fs import S3FileSystem

    class BoundedS3FileSystem(S3FileSystem):  # type: ignore[misc]
        """S3 whose every call ends: a silent server raises `TimeoutError`."""

        retries = 3

        def __init__(self, *, deadline_seconds: float, **options: Any) -> None:
            super().__init__(**options)
            self.deadline_seconds = deadline_seconds

        async def _call_s3(self, method: str, *args: Any, **kwargs: Any) -> Any:
            call = super()._call_s3(method, *args, **kwargs)
            return await asyncio.wait_for(call, self.deadline_seconds)

    return BoundedS3FileSystem


def _http_filesystem(options: StorageOptions) -> Any:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    deadline = options.deadline_seconds
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=deadline, sock_read=deadline)
    # trust_env: administrations reach the network through the proxy that the environment names.
    return HTTPFileSystem(client_kwargs={"timeout": timeout, "trust_env": True})


def with_scheme(endpoint: str | None) -> str | None:
    """Return the address of an S3 server, in https unless it says otherwise."""
    return endpoint if not endpoint or "://" in endpoint else f"https://{endpoint}"


def _failure(
    done: str, uri: str | Path, error: BaseException, options: StorageOptions = DEFAULT_OPTIONS
) -> StorageError:
    """Tell in one sentence why `uri` was not read or written, and what to look at."""
    return StorageError(f"{redact(uri)} cannot be {done}: {_reason(uri, error, options)}")


def _reason(uri: str | Path, error: BaseException, options: StorageOptions) -> str:
    status = getattr(error, "status", None)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return f"no answer within {options.deadline_seconds:g} seconds. Is the server up?"
    if isinstance(error, FileNotFoundError):
        return _absent(uri)
    code = s3_code(error)
    if code == "RequestTimeTooSkewed":
        return "access is refused: the clock of this machine is wrong. Set it."
    if isinstance(error, PermissionError) or status in (401, 403) or code in S3_REFUSALS:
        return "access is refused. Check the rights of the file, or the key and its expiry."
    if "Credentials" in type(error).__name__:
        return "no key was given. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if isinstance(error, ConnectionError) or "Connect" in type(error).__name__:
        return "the server cannot be reached. Check the address, and the proxy if there is one."
    if isinstance(error, IsADirectoryError):
        return "it is a folder. Give the address of one file."
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return (
            "no space is left. Free some (remote files are copied to the temporary folder first)."
        )
    return _said(error, status)


def s3_code(error: BaseException) -> str:
    """Return what the S3 server calls the error; nothing when it is not one of its own."""
    response = getattr(error.__cause__, "response", None)
    told = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(told.get("Code", ""))


def _absent(uri: str | Path) -> str:
    if not is_remote(uri):
        folder = local_path(uri).absolute().parent
        wrong = "the file does not exist" if folder.is_dir() else f"no folder {folder}"
        return f"{wrong}. Check the path."
    return "nothing stands at this address. Check the bucket or host, and the name."


def _said(error: BaseException, status: int | None) -> str:
    if status is not None:  # The error's own words hold the address, signature included.
        return f"the server answered {status}."
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0]}" if words else f"{type(error).__name__}."
