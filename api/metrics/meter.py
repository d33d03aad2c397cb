"""Meter: what one worker counts, in memory that outlives it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from api.errors import KINDS
from api.metrics.families import OTHER, Family, Floats, Layout, Tally
from libelle.decision import Decision, Reason
from libelle.monitoring.feedback import FeedbackVerdict
from libelle.predictor import Prediction

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", OTHER)
# Of a request whose client left, no status was sent.
NO_STATUS = "none"
STATUSES = (
    *("200", "204", "206", "303", "304", "307", "400", "401", "403", "404", "405", "408", "409"),
    *("413", "415", "416", "422", "429", "500", "503", NO_STATUS, OTHER),
)
PROBLEMS = (*sorted({kind.slug for kind in KINDS}), OTHER)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_TEXTS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 1e5)
N_CONFIDENCE_BINS = 20
# From so many texts on, counting them all at once is the faster way.
MANY_TEXTS = 16
CONFIDENCES = tuple(place / N_CONFIDENCE_BINS for place in range(1, N_CONFIDENCE_BINS + 1))

TEXTS = Family(
    "libelle_texts_total",
    "Texts answered.",
    "counter",
    {"decision": tuple(Decision), "reason": tuple(Reason)},
    sparse=True,
)
CONFIDENCE = Family(
    "libelle_confidence",
    "Confidence of the texts that were not refused.",
    "histogram",
    bounds=CONFIDENCES,
)
BATCH = Family("libelle_batch_texts", "Items of each batch.", "histogram", bounds=BATCH_TEXTS)
INVALID_ITEMS = Family(
    "libelle_invalid_items_total", "Items of batches that got an error.", "counter"
)
REFUSED = Family(
    "libelle_refused_requests_total",
    "Requests that got a problem for an answer, by the end of its type.",
    "counter",
    {"problem": PROBLEMS},
)
FEEDBACK = Family(
    "libelle_feedback_total",
    "Verdicts kept, those that were given again apart.",
    "counter",
    {"verdict": tuple(FeedbackVerdict)},
)
DROPPED = Family(
    "libelle_dropped_predictions_total", "Predictions that the log could not keep.", "counter"
)
IN_FLIGHT = Family("libelle_requests_in_flight", "Predictions being worked on.", "gauge")
WAITING = Family("libelle_work_waiting", "Pieces of work that wait for their turn.", "gauge")


class Meter:
    """What one worker counts; each number is written by one thread, so that none is lost.

    Parameters
    ----------
    routes : sequence of str
        Templates of the addresses, `other` the last.
    numbers : ndarray or None
        Where to count, of shape (layout.n_numbers,); memory of its own if None.

    Attributes
    ----------
    layout : Layout
    """

    def __init__(self, routes: Sequence[str], numbers: Floats | None = None) -> None:
        requests = Family(
            "libelle_requests_total",
            "Requests, by template of their address.",
            "counter",
            {"route": tuple(routes), "method": METHODS, "status": STATUSES},
            sparse=True,
        )
        seconds = Family(
            "libelle_request_duration_seconds",
            "Time between the headers of a request and the end of its answer.",
            "histogram",
            {"route": tuple(routes), "status": STATUSES},
            bounds=SECONDS,
            sparse=True,
        )
        families = (requests, seconds, TEXTS, CONFIDENCE, BATCH, INVALID_ITEMS, REFUSED)
        self.layout = Layout([*families, FEEDBACK, DROPPED, IN_FLIGHT, WAITING])
        self._numbers = np.zeros(self.layout.n_numbers) if numbers is None else numbers
        self._requests, self._seconds = self._tally(requests), self._tally(seconds)
        self._texts, self._confidence = self._tally(TEXTS), self._tally(CONFIDENCE)
        self._batch, self._invalid = self._tally(BATCH), self._tally(INVALID_ITEMS)
        self._refused, self._dropped = self._tally(REFUSED), self._tally(DROPPED)
        self._feedback = self._tally(FEEDBACK)
        self._in_flight, self._waiting = self._tally(IN_FLIGHT), self._tally(WAITING)

    def count_request(self, route: str, method: str, status: int | None, seconds: float) -> None:
        """Count a request that ended; `status` is None when nothing was sent."""
        sent = NO_STATUS if status is None else str(status)
        self._requests.add(route, method, sent)
        self._seconds.observe(seconds, route, sent)

    def count_problem(self, slug: str) -> None:
        """Count a request that was refused."""
        self._refused.add(slug)

    def count_batch(self, n_items: int, *, n_invalid: int) -> None:
        """Count a batch that was read."""
        self._batch.observe(n_items)
        self._invalid.add(amount=n_invalid)

    def count_feedback(self, verdict: FeedbackVerdict) -> None:
        """Count a verdict that was kept."""
        self._feedback.add(verdict)

    def count_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Count texts that were answered; from the thread that predicts."""
        if len(predictions) < MANY_TEXTS:
            for one in predictions:
                self._count_prediction(one)
            return
        decided = Counter([(one.decision, one.reason) for one in predictions])
        for (decision, reason), n_texts in decided.items():
            self._texts.add(decision, reason, amount=n_texts)
        refused = Decision.REFUSED
        self._confidence.observe_many(
            [one.confidence for one in predictions if one.decision is not refused]
        )

    def show(self, *, n_requests: int, n_waiting: int, n_dropped: int) -> None:
        """Say what is worked on, what waits, and what the log has lost so far."""
        self._in_flight.set(n_requests)
        self._waiting.set(n_waiting)
        self._dropped.set(n_dropped)

    def _count_prediction(self, prediction: Prediction) -> None:
        decision = prediction.decision
        self._texts.add(decision, prediction.reason)
        if decision is not Decision.REFUSED:
            self._confidence.observe(prediction.confidence)

    def _tally(self, family: Family) -> Tally:
        return Tally(family, self._numbers[self.layout.place(family)])
