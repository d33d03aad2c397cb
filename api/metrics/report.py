"""Report: the sum of what all workers counted, and what the supervising process knows."""

from collections.abc import Iterator

from api.metrics.exposition import Series, render_family
from api.metrics.families import Family, Floats, Layout
from api.server.board import FAILURES, Board, Notice
from api.server.ledger import Ledger

DIGEST_CHARACTERS = 12
NAME_CHARACTERS = 200

_FREE: tuple[str, ...] = ()
STARTED_AT = Family(
    "process_start_time_seconds", "When the service started, in seconds since 1970.", "gauge"
)
WORKERS = Family("libelle_workers", "Processes that answer, those that drain too.", "gauge")
RESTARTS = Family(
    "libelle_worker_restarts_total",
    "Workers that ended by themselves and were replaced.",
    "counter",
)
MODEL = Family(
    "libelle_model_info",
    "The model that is served.",
    "gauge",
    {"name": _FREE, "version": _FREE, "digest": _FREE},
)
RELOADS = Family("libelle_reloads_total", "Models that took the place of another one.", "counter")
FAILED_RELOADS = Family(
    "libelle_failed_reloads_total", "Models that were refused, or could not be had.", "counter"
)
FAILURE = Family(
    "libelle_reload_failure",
    "1 since the last reload failed in this way, until one succeeds.",
    "gauge",
    {"kind": FAILURES},
)
FROM_CACHE = Family(
    "libelle_model_from_cache", "1 if the registry was down when the service started.", "gauge"
)


class Report:
    """What Prometheus reads.

    Parameters
    ----------
    layout : Layout
        Of the numbers of each worker.
    ledger : Ledger
    board : Board
    started_at : float
        Seconds since 1970.
    """

    def __init__(self, layout: Layout, ledger: Ledger, board: Board, *, started_at: float) -> None:
        self._layout, self._ledger, self._board = layout, ledger, board
        self._started_at = started_at

    def render(self) -> bytes:
        """Return the metrics as they are now."""
        text = "".join([*self._render_life(), *self._render_counts()])
        return text.encode("utf-8", "replace")  # The name of a model may hold a lone surrogate.

    def _render_life(self) -> Iterator[str]:
        notice = self._board.read()
        yield render_family(STARTED_AT, _one(self._started_at))
        yield render_family(WORKERS, _one(self._ledger.n_open))
        yield render_family(RESTARTS, _one(self._ledger.n_replaced))
        yield render_family(MODEL, _describe_model(notice))
        yield render_family(RELOADS, _one(notice.n_reloads))
        yield render_family(FAILED_RELOADS, _one(notice.n_failed_reloads))
        kinds = [((kind,), [float(notice.failure == kind)]) for kind in FAILURES]
        yield render_family(FAILURE, kinds)
        yield render_family(FROM_CACHE, _one(notice.from_cache))

    def _render_counts(self) -> Iterator[str]:
        numbers = self._ledger.sum()
        for family in self._layout.families:
            yield render_family(family, _series(family, numbers[self._layout.place(family)]))


def _one(number: float) -> list[Series]:
    return [((), [float(number)])]


def _describe_model(notice: Notice) -> list[Series]:
    if notice.model_digest is None:
        return []
    name = (notice.model_name or "")[:NAME_CHARACTERS]
    version, digest = notice.model_version or "", notice.model_digest[:DIGEST_CHARACTERS]
    return [((name, version, digest), [1.0])]


def _series(family: Family, numbers: Floats) -> Iterator[Series]:
    return zip(family.label_sets(), numbers.reshape(-1, family.n_cells).tolist(), strict=True)
