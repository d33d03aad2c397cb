"""Serving: what `libelle dashboard` runs."""

import logging
import signal
import sys
from types import FrameType

import pyarrow as pa
import uvicorn

from api.security.addresses import is_loopback
from libelle.dashboard.main import create_dashboard
from libelle.dashboard.measured import MeasuredParts
from libelle.dashboard.watching import utc_now
from libelle.settings import Settings

logger = logging.getLogger(__name__)

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SHUTDOWN_SECONDS = 5


def serve_dashboard(settings: Settings, *, host: str, port: int) -> None:
    """Show the pages until a signal asks to stop.

    Raises
    ------
    UsageError
        If no key is known and nothing says that none is needed.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)  # Given back by uvicorn once the last answer has left.
    # Slower than Arrow's own, and it gives back what counting a log took.
    pa.set_memory_pool(pa.system_memory_pool())
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    source = MeasuredParts(settings, clock=utc_now)
    source.start()
    app = create_dashboard(settings, source=source)
    if settings.auth == "none" and not is_loopback(host):
        logger.warning("LIBELLE_AUTH=none: whoever reaches %s sees the pages", host)
    logger.info("The dashboard is at http://%s:%d", host, port)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    uvicorn.Server(config).run()


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
