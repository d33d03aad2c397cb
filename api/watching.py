"""Watching: a process of its own that asks a registry for the model, and says where it lies.

MLflow is imported there alone: neither the workers nor the process that supervises them pay for it.
Each thing it says is one line of JSON.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from api.loading import ModelSource, is_alias
from libelle.errors import LibelleError, UnreachableError
from libelle.settings import Settings

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
READ_BYTES = 65_536


@dataclass(frozen=True)
class Failure:
    """A look at the registry that gave no model.

    Attributes
    ----------
    message : str
    unreachable : bool
        The same may succeed later; otherwise there is no such model, version or alias.
    """

    message: str
    unreachable: bool


Said = ModelSource | Failure


class Watcher:
    """The process that watches, and the end of the pipe that it speaks into.

    Attributes
    ----------
    reader : int
        Descriptor that can be read when it said something, or ended.
    speaks : bool
        False once it has ended: a version of a model never becomes another.
    """

    def __init__(self, settings: Settings) -> None:
        reader, writer = os.pipe()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            _watch_and_exit(settings, writer)
        os.close(writer)
        os.set_blocking(reader, False)
        self.reader = reader
        self.speaks = True
        self._left = b""

    def read(self) -> list[Said]:
        """Return what was said since the last time; nothing when it is silent or gone."""
        with suppress(BlockingIOError):
            content = os.read(self.reader, READ_BYTES)
            self.speaks = bool(content)
            if not self.speaks:
                self._wait()
            self._left += content
        *lines, self._left = self._left.split(b"\n")
        return [_parse(line) for line in lines]

    def stop(self) -> None:
        """End the process."""
        if self.speaks:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._wait()
        os.close(self.reader)

    def _wait(self) -> None:
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def watch(settings: Settings) -> Iterator[Said]:
    """Look where the model lies: again and again for an alias, unless a digest is pinned.

    What did not change is not said again. When the registry is out of reach at first, the last
    model that it gave for this address is taken, if it is still there, intact.
    """
    from libelle.tracking.registry import cached_model, fetch_model
    from libelle.tracking.runs import default_tracking_uri

    destination = settings.home / "models"
    tracking_uri = settings.mlflow_tracking_uri or default_tracking_uri(settings.home)
    last: Said | None = None
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            fetched = fetch_model(
                settings.model, tracking_uri=tracking_uri, destination=destination
            )
            said: Said = ModelSource(fetched.path, fetched.name, fetched.version)
            pause = settings.follow_seconds
        except LibelleError as error:
            said = Failure(str(error), isinstance(error, UnreachableError))
            pause = min(2 * pause, settings.follow_seconds)
            if last is None and (known := cached_model(settings.model, destination=destination)):
                yield ModelSource(known.path, known.name, known.version, cached=True)
        if said != last:
            yield said
            last = said
        pinned = settings.model_digest is not None
        if isinstance(said, ModelSource) and (pinned or not is_alias(settings.model)):
            return
        _sleep(pause)


def _sleep(seconds: float) -> None:
    """Wait, unless the supervising process goes away meanwhile."""
    parent, until = os.getppid(), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(1.0, left))
        if os.getppid() != parent:
            raise BrokenPipeError


def _watch_and_exit(settings: Settings, writer: int) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for said in watch(settings):
            os.write(writer, _render(said))
        code = 0
    except BrokenPipeError:  # The supervising process is gone.
        code = 0
    except Exception:
        logger.exception("Watching the registry failed")
    finally:
        os._exit(code)


def _render(said: Said) -> bytes:
    if isinstance(said, Failure):
        return orjson.dumps({"message": said.message, "unreachable": said.unreachable}) + b"\n"
    facts = {
        "path": str(said.path),
        "name": said.name,
        "version": said.version,
        "cached": said.cached,
    }
    return orjson.dumps(facts) + b"\n"


def _parse(line: bytes) -> Said:
    facts: dict[str, Any] = orjson.loads(line)
    if "message" in facts:
        return Failure(**facts)
    return ModelSource(**{**facts, "path": Path(facts["path"])})
