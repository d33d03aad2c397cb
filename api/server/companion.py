"""Companion: a process of its own beside those that answer, and another one when it ends.

The supervising process forks, so it may have no thread that would do such work; and what the work
needs in memory is not for those that answer.
"""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from socket import socket

logger = logging.getLogger(__name__)

# One that dies at once is not born again at once.
PAUSE_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class Companion:
    """A work that lasts as long as the service, in a process of its own.

    Parameters
    ----------
    name : str
        What it does, as the log says it: "shows the metrics".
    work : callable
        Called in that process, which ends when it returns. SIGTERM ends the process there and then
        unless the work takes that signal; it should look whether its parent is still there.
    leave : sequence of socket
        Those that are not for it.
    """

    def __init__(
        self, name: str, work: Callable[[], None], *, leave: Sequence[socket] = ()
    ) -> None:
        self._name, self._work, self._leave = name, work, leave
        self._pid: int | None = None
        self._born_at = -PAUSE_SECONDS

    def look_after(self) -> None:
        """Start the process, unless it runs."""
        if self._pid is not None and _has_ended(self._pid):
            logger.error("The process that %s ended: another one takes its place", self._name)
            self._pid = None
        if self._pid is None and time.monotonic() - self._born_at > PAUSE_SECONDS:
            self._fork()

    def stop(self, *, patience_seconds: float = 0.0) -> None:
        """End the process, with SIGTERM first when there is time for it to finish its work."""
        pid, self._pid = self._pid, None
        if pid is None:
            return
        with suppress(ProcessLookupError):
            if patience_seconds > 0:
                os.kill(pid, signal.SIGTERM)
                until = time.monotonic() + patience_seconds
                while time.monotonic() < until:
                    if _has_ended(pid):
                        return
                    time.sleep(_LOOK_SECONDS)
                logger.warning("The process that %s is ended before it has finished", self._name)
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)

    def _fork(self) -> None:
        self._born_at = time.monotonic()
        gc.freeze()  # The collector would touch, and so copy, the pages that are shared.
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid:
            return
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for other in self._leave:
                other.close()
            self._work()
        except Exception:
            logger.exception("The process that %s failed", self._name)
        finally:
            os._exit(0)


def _has_ended(pid: int) -> bool:
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return bool(ended)
