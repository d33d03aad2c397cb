"""Recording: predictions made outside of the service get the rows that the service would write."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from libelle.decision import Guarantee
from libelle.monitoring.prediction_log.identifiers import make_prediction_ids
from libelle.monitoring.prediction_sink import PredictionRows, PredictionSink
from libelle.predictor import Answers

# Who asks, when our own commands do.
NIGHT_FILES, DEMONSTRATION = "libelle predict", "libelle demo"
OWN_CLIENTS = (NIGHT_FILES, DEMONSTRATION)


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """What names the predictions of one run, and hands them to a sink.

    Attributes
    ----------
    sink : PredictionSink
    key : bytes
        Secret of the identifiers.
    request_id : str
        Of the run: what has the same one and the same texts has the same rows.
    model_name, digest : str
    model_version : str or None
    guarantee : Guarantee
    client : str
        Who asks.
    """

    sink: PredictionSink
    key: bytes = field(repr=False)
    request_id: str
    model_name: str
    digest: str
    guarantee: Guarantee
    model_version: str | None = None
    client: str = ""

    def name(self, positions: Sequence[int], texts: Sequence[str]) -> list[str]:
        """Return the identifiers of texts, given with their positions in the run."""
        return make_prediction_ids(
            self.key,
            client=self.client,
            request_id=self.request_id,
            texts=zip(positions, texts, strict=True),
            digest=self.digest,
        )

    def note(
        self,
        positions: Sequence[int],
        texts: Sequence[str],
        ids: Sequence[str | None],
        answers: Answers,
        *,
        received_at: datetime | None = None,
        started: float | None = None,
    ) -> None:
        """Hand over predictions that bear their names.

        Parameters
        ----------
        positions, texts, ids : sequence
            Of the texts in the run; `ids` are the caller's.
        answers : Answers
        received_at : datetime, optional
            UTC; now if absent.
        started : float, optional
            When the work on them began, of `time.perf_counter`.

        Raises
        ------
        StorageError
            If the rows cannot be kept.
        """
        self.sink.append(
            PredictionRows(
                request_id=self.request_id,
                client=self.client,
                received_at=received_at or datetime.now(UTC),
                duration_seconds=0.0 if started is None else time.perf_counter() - started,
                model_name=self.model_name,
                model_version=self.model_version,
                digest=self.digest,
                guarantee=self.guarantee,
                positions=positions,
                texts=texts,
                ids=ids,
                predictions=answers.predictions,
                features=answers.features,
            )
        )
