"""Recording: predictions made by a command go to the log, whole, before the command ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libelle.errors import UsageError
from libelle.monitoring.prediction_log import LogOptions, PredictionLog, WhenFull
from libelle.settings import Settings

if TYPE_CHECKING:
    from libelle.monitoring.recording import Recorder


def read_log_options(settings: Settings) -> LogOptions:
    """Return where the log stands.

    Raises
    ------
    UsageError
        If no setting says it, or without a key.
    """
    options = settings.log_options()
    if options is None:
        raise UsageError(
            "There is no prediction log here. Say where it stands with LIBELLE_LOG_URI: a folder, "
            "or s3://BUCKET/FOLDER."
        )
    return options


@contextmanager
def recording(
    options: LogOptions, predictor: Any, *, request_id: str, version: str | None, client: str
) -> "Iterator[Recorder]":
    """Give what keeps predictions; at the end, bring them to the log.

    Raises
    ------
    StorageError
        If they cannot be kept; those that wait in the spool are brought there the next time.
    """
    from libelle.monitoring.prediction_log.upload import Uploader
    from libelle.monitoring.recording import Recorder

    # A command would rather fail than lose rows that nobody would miss.
    log = PredictionLog(replace(options, when_full=WhenFull.REFUSE))
    try:
        yield Recorder(
            sink=log,
            key=options.key,
            request_id=request_id,
            client=client,
            model_name=predictor.name,
            model_version=version,
            digest=predictor.digest,
            guarantee=predictor.guarantee,
        )
        log.sync()
    finally:
        log.close()
    Uploader(options).run_once()
