"""Answers: from what a request asks to the body of its answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import msgspec

from api.asking import AskedBatch, AskedText, Asker, Result
from api.loading import LoadedModel
from libelle.features import Features
from libelle.monitoring.prediction_log import make_prediction_ids
from libelle.monitoring.prediction_sink import FailedItem, PredictionRows
from libelle.predictor import Answers, Prediction

Note = Callable[[PredictionRows], None]

NOTHING = Answers([], Features([], [], []))


def answer_texts(asked: Sequence[AskedText], note: Note) -> list[bytes]:
    """Answer texts that came one by one, each as if it were alone; note what was predicted."""
    answers: list[bytes] = []
    for (top_k, explain), together in groupby(asked, key=lambda one: (one.top_k, one.explain)):
        alike = list(together)
        answered = alike[0].model.predictor.answer(
            [one.text for one in alike],
            top_k=top_k,
            explain=explain,
            prediction_ids=[_identify([0], [one.text], one.model, one.asker)[0] for one in alike],
        )
        for place, (one, prediction) in enumerate(zip(alike, answered.predictions, strict=True)):
            alone = Answers([prediction], answered.features.at(place))
            note(_rows([0], [one.text], [one.id], alone, one.model, one.asker))
            answers.append(_write_single(one, prediction))
    return answers


def predict_step(
    asked: AskedBatch, rows: slice, model: LoadedModel, asker: Asker, note: Note
) -> list[Prediction]:
    """Return the predictions of some texts of a batch, once they are noted."""
    positions, texts = asked.positions[rows], asked.texts[rows]
    answered = model.predictor.answer(
        texts, top_k=asked.top_k, prediction_ids=_identify(positions, texts, model, asker)
    )
    note(_rows(positions, texts, asked.ids[rows], answered, model, asker))
    return answered.predictions


def note_refused(asked: AskedBatch, model: LoadedModel, asker: Asker, note: Note) -> None:
    """Note the items that get no prediction."""
    if not asked.refused:
        return
    positions = list(asked.refused)
    # Such an item may have no text: its place alone tells it from the others.
    names = _identify(positions, [""] * len(positions), model, asker)
    failed = [
        FailedItem(position, asked.refused[position].id, name)
        for position, name in zip(positions, names, strict=True)
    ]
    note(_rows([], [], [], NOTHING, model, asker, failed))


def write_batch(asked: AskedBatch, predictions: Sequence[Prediction], model: LoadedModel) -> bytes:
    """Return the body that answers a batch: one result for each item, in order."""
    return msgspec.json.encode(
        {
            "model": describe_identity(model),
            "guarantee": describe_guarantee(model),
            "results": _results(asked, predictions),
        }
    )


def answer_rows(
    asked: AskedBatch, start: int, model: LoadedModel, asker: Asker, note: Note
) -> list[Result]:
    """Answer some rows of a file as a batch does; `start` is the position of the first one."""
    in_file = replace(
        asked,
        positions=[start + place for place in asked.positions],
        refused={start + place: result for place, result in asked.refused.items()},
    )
    note_refused(in_file, model, asker, note)
    return _results(asked, predict_step(in_file, slice(None), model, asker, note))


def steps_of(n_texts: int, step_texts: Callable[[], int]) -> Iterator[slice]:
    """Cut texts in steps, each as long as is right when it begins."""
    start = 0
    while start < n_texts:
        stop = start + step_texts()
        yield slice(start, stop)
        start = stop


def describe_identity(model: LoadedModel) -> dict[str, Any]:
    """Return which model answers."""
    return {"name": model.name, "version": model.version, "digest": model.predictor.digest}


def describe_guarantee(model: LoadedModel) -> dict[str, Any]:
    """Return the promise under which it answers."""
    guarantee = model.predictor.guarantee
    return {
        "status": guarantee.status,
        "target_error": guarantee.target_error,
        "delta": guarantee.delta,
        "bound": guarantee.bound,
        "threshold_id": guarantee.threshold_id,
    }


def _write_single(asked: AskedText, prediction: Prediction) -> bytes:
    """Return a prediction with what a batch says once, in one object."""
    envelope = {
        "id": asked.id,
        "model": describe_identity(asked.model),
        "guarantee": describe_guarantee(asked.model),
    }
    return msgspec.json.encode(prediction)[:-1] + b"," + msgspec.json.encode(envelope)[1:]


def _identify(
    positions: Sequence[int], texts: Sequence[str], model: LoadedModel, asker: Asker
) -> list[str]:
    return make_prediction_ids(
        asker.log_key,
        client=asker.client,
        request_id=asker.request_id,
        texts=zip(positions, texts, strict=True),
        digest=model.predictor.digest,
    )


def _rows(
    positions: Sequence[int],
    texts: Sequence[str],
    ids: Sequence[str | None],
    answered: Answers,
    model: LoadedModel,
    asker: Asker,
    failed: Sequence[FailedItem] = (),
) -> PredictionRows:
    return PredictionRows(
        request_id=asker.request_id,
        client=asker.client,
        received_at=asker.received_at,
        duration_seconds=time.perf_counter() - asker.started,
        model_name=model.name,
        model_version=model.version,
        digest=model.predictor.digest,
        guarantee=model.predictor.guarantee,
        positions=positions,
        texts=texts,
        ids=ids,
        predictions=answered.predictions,
        features=answered.features,
        failed=failed,
    )


def _results(asked: AskedBatch, predictions: Sequence[Prediction]) -> list[Result]:
    answered = zip(asked.ids, predictions, strict=True)
    if not asked.refused:
        return [Result(identifier, prediction, None) for identifier, prediction in answered]
    return [
        asked.refused.get(position) or Result(*next(answered), None)
        for position in range(asked.n_items)
    ]
