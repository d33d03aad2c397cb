"""Assessment: everything that a report says of one model on coded texts."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats
from libelle.data.datasets import Dataset
from libelle.data.levels import Level, code_at_level
from libelle.data.nomenclature import Nomenclature
from libelle.decision import CONFIDENCE_DIGITS, Decision, GuaranteeStatus
from libelle.errors import UsageError
from libelle.evaluation.calibration import reliability
from libelle.evaluation.comparison import compare_models
from libelle.evaluation.costs import cost_curve
from libelle.evaluation.coverage import error_coverage_curve
from libelle.evaluation.hygiene import describe_hygiene, independent_rows, unseen_rows
from libelle.evaluation.metrics import (
    Metrics,
    macro_f1,
    metrics_by_code,
    metrics_of,
    targets_of,
    worst_confusions,
)
from libelle.evaluation.promise import check_promise, error_interval
from libelle.evaluation.scores import Scores, join_scores, score
from libelle.predictor import Prediction, Predictor

CHUNK_TEXTS = 4_096
SHORT_LIST = 5
MOST_SEGMENTS = 200
# Segments that come from the nomenclature; a column of a file always has a name.
DOMAIN_COLUMN = ""
N_EXAMPLE_PAIRS, N_EXAMPLES = 12, 3

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ModelAnswers:
    """What a model answers to coded texts, text by text.

    Attributes
    ----------
    codes, answers : list of str
        The truth; the likeliest code, whatever the decision.
    scores : Scores
    confidences : ndarray of float64, shape (n_texts,)
        As the predictor gives them: rounded, 0 for a refused text.
    decisions, reasons : list of str
    predictions : list of Prediction
    listed : ndarray of bool, shape (n_texts,)
        Whether the short list holds the true code.
    level_answers, level_confidences : mapping
        From each level to the likeliest code there, and the sum of its probabilities, rounded.
    """

    codes: list[str]
    answers: list[str]
    scores: Scores
    confidences: Floats
    decisions: list[str]
    reasons: list[str]
    listed: Bools
    predictions: list[Prediction]
    level_answers: Mapping[int, list[str]]
    level_confidences: Mapping[int, Floats]

    @cached_property
    def wrong(self) -> Bools:
        """Whether the likeliest code is not the true one."""
        return ~self.scores.right

    @cached_property
    def automatic(self) -> Bools:
        """Whether the text is coded automatically."""
        return np.array([decision == Decision.AUTOMATIC for decision in self.decisions])

    @cached_property
    def refused(self) -> Bools:
        """Whether the text is refused."""
        return np.array([decision == Decision.REFUSED for decision in self.decisions])


def answer_dataset(
    predictor: Predictor, dataset: Dataset, nomenclature: Nomenclature
) -> ModelAnswers:
    """Answer coded texts by chunks, as the model would in production."""
    levels = _levels_of(predictor, nomenclature)
    parts = [_answer_chunk(predictor, *chunk, levels) for chunk in _chunks(dataset)]
    predictions = [prediction for part in parts for prediction in part.predictions]
    scores = join_scores([part.scores for part in parts])
    return ModelAnswers(
        codes=dataset.codes,
        answers=[predictor.codes[column] for column in scores.answers],
        scores=scores,
        confidences=np.array([prediction.confidence for prediction in predictions]),
        decisions=[prediction.decision.value for prediction in predictions],
        reasons=[prediction.reason.value for prediction in predictions],
        listed=np.array(
            [
                any(candidate.code == code for candidate in prediction.candidates)
                for code, prediction in zip(dataset.codes, predictions, strict=True)
            ]
        ),
        predictions=predictions,
        level_answers={
            level.depth: [
                level.codes[column] for part in parts for column in part.level_answers[level.depth]
            ]
            for level in levels
        },
        level_confidences={
            level.depth: np.concatenate([part.level_confidences[level.depth] for part in parts])
            for level in levels
        },
    )


def assess(
    predictor: Predictor,
    dataset: Dataset,
    *,
    seen: Container[str] | None = None,
    segments: Sequence[str] | None = None,
    segment_column: str = "",
    nomenclature: Nomenclature | None = None,
    against: Predictor | None = None,
    cost_review: float | None = None,
    cost_error: float | None = None,
    with_texts: bool = False,
) -> dict[str, Any]:
    """Evaluate a model on coded texts; return what the JSON and the report say.

    Parameters
    ----------
    predictor : Predictor
        Its decisions are taken as they are.
    dataset : Dataset
        Coded texts. A code that the model does not know is an error, and is counted apart.
    seen : container of str, optional
        Split keys of the texts that the model was made or tested with, if these are known: they
        say nothing more of its promise.
    segments : sequence of str, shape (n_texts,), optional
        Of each text, a category to look at apart; `segment_column` is its name.
    nomenclature : Nomenclature, optional
        Titles and parents; the model's by default.
    against : Predictor, optional
        A second model, compared on the same texts.
    cost_review, cost_error : float, optional
        Of a manual coding and of an error, for the cost curve: both or none.
    with_texts : bool
        Whether to quote some texts; otherwise the result holds none.

    Raises
    ------
    UsageError
        If the two models are one, if one cost is missing, or if a segment is no category.
    """
    _refuse_odd_requests(predictor, against, segments, segment_column)
    nomenclature = nomenclature or predictor.nomenclature
    answered = answer_dataset(predictor, dataset, nomenclature)
    independent = independent_rows(dataset.keys)
    n_distinct = int(independent.sum())
    independent &= unseen_rows(dataset, predictor.manifest, seen)
    n_seen = None if seen is None else n_distinct - int(independent.sum())
    metrics = metrics_of(answered.scores, dataset.codes, predictor.codes)
    return {
        "model": describe_model(predictor),
        "data": _describe_data(dataset),
        "metrics": finite(asdict(metrics)),
        "automation": automation(answered, independent, predictor),
        "thresholds": _thresholds_here(answered, predictor),
        "decisions": _by_decision(answered),
        "short_list": _short_list(answered),
        "levels": _by_level(answered, nomenclature, predictor),
        "roll_up": _roll_up(answered, nomenclature),
        "prediction_sets": _prediction_sets(answered),
        "codes": _by_code(answered, nomenclature),
        "segments": _by_segment(answered, independent, predictor, segments, segment_column),
        "confusions": _confusions(answered, nomenclature),
        "curve": _curve(answered),
        "calibration": _calibration(answered, metrics),
        "hygiene": describe_hygiene(
            dataset, predictor.manifest, n_distinct=n_distinct, n_seen=n_seen
        ),
        "unknown_codes": _unknown_codes(answered, predictor, nomenclature),
        "comparison": _compare(answered, independent, dataset, nomenclature, against),
        "costs": _costs(answered, cost_review, cost_error),
        "examples": _examples(answered, dataset) if with_texts else [],
    }


def describe_model(predictor: Predictor) -> dict[str, Any]:
    """Return a model's name, identity, size and active promise."""
    guarantee = predictor.guarantee
    return {
        "name": predictor.name,
        "digest": predictor.digest,
        "n_codes": len(predictor.codes),
        "guarantee": asdict(guarantee) | {"status": str(guarantee.status)},
    }


def automation(answered: ModelAnswers, independent: Bools, predictor: Predictor) -> dict[str, Any]:
    """Return what is coded automatically, how much of it wrongly, and whether the promise held."""
    counted = _automation_of(answered, np.ones(len(answered.codes), dtype=bool), independent)
    guarantee = predictor.guarantee
    promised = guarantee.status == GuaranteeStatus.GUARANTEED
    outcome = check_promise(
        counted["n_independent_errors"],
        counted["n_independent"],
        target_error=guarantee.target_error if promised else None,
    )
    return counted | {"outcome": outcome.value}


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with None instead of NaN, which JSON does not have."""
    return {name: None if value != value else value for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class _Chunk:
    predictions: list[Prediction]
    scores: Scores
    level_answers: dict[int, list[int]]
    level_confidences: dict[int, Floats]


def _levels_of(predictor: Predictor, nomenclature: Nomenclature) -> list[Level]:
    """Return every level at which the model's codes stand, from the top."""
    known = [code for code in predictor.codes if code in nomenclature]
    deepest = max(map(nomenclature.level_of, known), default=1)
    return [Level.of(depth, predictor.codes, nomenclature) for depth in range(1, deepest + 1)]


def _chunks(dataset: Dataset) -> Iterator[tuple[list[str], list[str]]]:
    for start in range(0, len(dataset), CHUNK_TEXTS):
        rows = slice(start, start + CHUNK_TEXTS)
        yield dataset.texts[rows], dataset.codes[rows]


def _answer_chunk(
    predictor: Predictor, texts: list[str], codes: list[str], levels: Sequence[Level]
) -> _Chunk:
    normalized = predictor.normalizer.normalize_many(texts)
    probabilities = predictor.classifier.predict_proba(normalized)
    sums = {level.depth: level.sum_up(probabilities) for level in levels}
    return _Chunk(
        predictions=predictor.predict(texts, top_k=SHORT_LIST),
        scores=score(probabilities, targets_of(codes, predictor.codes)),
        level_answers={level: sums[level].argmax(axis=1).tolist() for level in sums},
        level_confidences={
            level: np.round(sums[level].max(axis=1), CONFIDENCE_DIGITS) for level in sums
        },
    )


def _refuse_odd_requests(
    predictor: Predictor,
    against: Predictor | None,
    segments: Sequence[str] | None,
    segment_column: str,
) -> None:
    if against is predictor or (against and against.digest and against.digest == predictor.digest):
        raise UsageError(
            f"Both models are one (digest {predictor.digest[:12]}): there is nothing to compare. "
            "Name another one with --against."
        )
    n_segments = len(set(segments or ()))
    if n_segments > MOST_SEGMENTS:
        raise UsageError(
            f"Column {segment_column!r} has {n_segments:,} different values: a segment is a "
            f"category, of {MOST_SEGMENTS} values at most. Name another column with --by."
        )


def _describe_data(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "uri": dataset.uri,
        "digest": dataset.digest,
        "n_texts": len(dataset),
        "n_rows_read": dataset.n_rows_read,
        "n_missing_codes": dataset.n_missing_codes,
        "warnings": list(dataset.warnings),
    }


def _automation_of(answered: ModelAnswers, rows: Bools, independent: Bools) -> dict[str, Any]:
    """Count the automatic codes of some rows; the interval is that of their independent ones."""
    automatic = answered.automatic & rows
    n_texts, n_automatic = int(rows.sum()), int(automatic.sum())
    n_errors = int((automatic & answered.wrong).sum())
    alone = automatic & independent
    n_alone, n_wrong_alone = int(alone.sum()), int((alone & answered.wrong).sum())
    return {
        "n_texts": n_texts,
        "n_automatic": n_automatic,
        "n_errors": n_errors,
        "coverage": n_automatic / n_texts if n_texts else None,
        "error": n_errors / n_automatic if n_automatic else None,
        "n_independent": n_alone,
        "n_independent_errors": n_wrong_alone,
        "error_interval": list(error_interval(n_wrong_alone, n_alone)) if n_alone else None,
    }


def _thresholds_here(answered: ModelAnswers, predictor: Predictor) -> list[dict[str, Any]]:
    """Return each declared threshold with what it gives on these texts."""
    declared = predictor.manifest.get("thresholds") or []
    active = predictor.guarantee.threshold_id
    return [
        {**threshold, "active": threshold["id"] == active, "here": _cut(answered, threshold)}
        for threshold in declared
    ]


def _cut(answered: ModelAnswers, threshold: Mapping[str, Any]) -> dict[str, Any] | None:
    if threshold["threshold"] is None:
        return None
    above = ~answered.refused & (answered.confidences >= threshold["threshold"])
    return _count_above(above, answered.wrong)


def _count_above(above: Bools, wrong: Bools) -> dict[str, Any]:
    n_automatic, n_errors = int(above.sum()), int((above & wrong).sum())
    return {
        "n_automatic": n_automatic,
        "n_errors": n_errors,
        "coverage": n_automatic / len(above),
        "error": n_errors / n_automatic if n_automatic else None,
    }


def _by_decision(answered: ModelAnswers) -> list[dict[str, Any]]:
    """Return the texts of each decision and reason, most frequent first."""
    pairs = list(zip(answered.decisions, answered.reasons, strict=True))
    n_right = Counter(pair for pair, wrong in zip(pairs, answered.wrong, strict=True) if not wrong)
    return [
        {
            "decision": decision,
            "reason": reason,
            "n_texts": n_texts,
            "share": n_texts / len(pairs),
            "likeliest_right": n_right[decision, reason] / n_texts,
        }
        for (decision, reason), n_texts in sorted(
            Counter(pairs).items(), key=lambda item: (-item[1], item[0])
        )
    ]


def _short_list(answered: ModelAnswers) -> dict[str, Any]:
    """Return how often the short list holds the true code: of all texts, of those to review."""
    review = np.array([decision == Decision.REVIEW for decision in answered.decisions])
    return {
        "n_candidates": SHORT_LIST,
        "all": float(answered.listed.mean()),
        "review": float(answered.listed[review].mean()) if review.any() else None,
    }


def _by_level(
    answered: ModelAnswers, nomenclature: Nomenclature, predictor: Predictor
) -> list[dict[str, Any]]:
    """Return the metrics of each level, from the top, and what its threshold gives here."""
    rows = []
    for level, answers in answered.level_answers.items():
        truth = [code_at_level(code, level, nomenclature) for code in answered.codes]
        wrong = np.array([code != answer for code, answer in zip(truth, answers, strict=True)])
        declared = _level_threshold(level, nomenclature, predictor)
        rows.append(
            {
                "level": level,
                "n_codes": len({*truth, *answers}),
                "accuracy": float(1 - wrong.mean()),
                "macro_f1": macro_f1(truth, answers),
                "threshold": declared,
                "here": _level_cut(answered, level, wrong, declared),
            }
        )
    return rows


def _level_threshold(
    level: int, nomenclature: Nomenclature, predictor: Predictor
) -> dict[str, Any] | None:
    """Return the threshold of a level for the active target; none under another nomenclature."""
    if nomenclature is not predictor.nomenclature:
        return None
    declared = (predictor.manifest.get("levels") or {}).get(str(level)) or []
    target = predictor.guarantee.target_error
    return next((dict(one) for one in declared if one["target_error"] == target), None)


def _level_cut(
    answered: ModelAnswers, level: int, wrong: Bools, declared: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    if declared is None or declared["threshold"] is None:
        return None
    above = ~answered.refused & (answered.level_confidences[level] >= declared["threshold"])
    return _count_above(above, wrong)


def _roll_up(answered: ModelAnswers, nomenclature: Nomenclature) -> list[dict[str, Any]]:
    """Count the texts under review that got a sure code above, level by level."""
    n_texts, n_errors = Counter[int](), Counter[int]()
    for code, prediction in zip(answered.codes, answered.predictions, strict=True):
        if (sure := prediction.roll_up) is not None:
            n_texts[sure.level] += 1
            n_errors[sure.level] += code_at_level(code, sure.level, nomenclature) != sure.code
    return [
        {"level": level, "n_texts": n_texts[level], "n_errors": n_errors[level]}
        for level in sorted(n_texts)
    ]


def _prediction_sets(answered: ModelAnswers) -> dict[str, Any] | None:
    """Return how often the prediction set holds the true code, and its mean size."""
    pairs = zip(answered.codes, answered.predictions, strict=True)
    sets = [(code, one) for code, one in pairs if one.prediction_set is not None]
    if not sets:
        return None
    held = np.array([code in (one.prediction_set or ()) for code, one in sets])
    review = np.array([one.decision == Decision.REVIEW for _, one in sets])
    sizes = [len(one.prediction_set or ()) for _, one in sets]
    return {
        "n_texts": len(sets),
        "all": float(held.mean()),
        "review": float(held[review].mean()) if review.any() else None,
        "mean_size": float(np.mean(sizes)),
    }


def _by_code(answered: ModelAnswers, nomenclature: Nomenclature) -> list[dict[str, Any]]:
    """Return metrics and automatic answers of each code, most texts first."""
    rows = zip(answered.answers, answered.automatic, answered.wrong, strict=True)
    chosen = [(answer, wrong) for answer, automatic, wrong in rows if automatic]
    n_automatic = Counter(answer for answer, _ in chosen)
    n_errors = Counter(answer for answer, wrong in chosen if wrong)
    by_code = [
        {
            **row,
            "title": nomenclature.title_of(row["code"]),
            "n_automatic": n_automatic[row["code"]],
            "n_errors": n_errors[row["code"]],
        }
        for row in metrics_by_code(answered.codes, answered.answers)
    ]
    return sorted(by_code, key=lambda row: (-row["n_texts"], row["code"]))


def _by_segment(
    answered: ModelAnswers,
    independent: Bools,
    predictor: Predictor,
    segments: Sequence[str] | None,
    column: str,
) -> dict[str, Any] | None:
    if segments is None:
        return None
    of_row = np.asarray(segments, dtype=object)
    target = predictor.guarantee.target_error
    rows = []
    for value, n_texts in sorted(Counter(segments).items(), key=lambda item: (-item[1], item[0])):
        inside = of_row == value
        counted = _automation_of(answered, inside, independent)
        outcome = check_promise(
            counted["n_independent_errors"], counted["n_independent"], target_error=target
        )
        accuracy = 1 - float(answered.wrong[inside].mean())
        rows.append(
            {"segment": value, "n_texts": n_texts, "accuracy": accuracy}
            | counted
            | {"outcome": outcome.value}
        )
    return {"column": column, "rows": rows}


def _confusions(answered: ModelAnswers, nomenclature: Nomenclature) -> list[dict[str, Any]]:
    """Return the worst confusions with their titles, and how many were coded automatically."""
    pairs = zip(answered.codes, answered.answers, answered.automatic, strict=True)
    n_automatic = Counter((code, answer) for code, answer, automatic in pairs if automatic)
    return [
        {
            **row,
            "title": nomenclature.title_of(row["code"]),
            "answered_title": nomenclature.title_of(row["answered"]),
            "n_automatic": n_automatic[row["code"], row["answered"]],
        }
        for row in worst_confusions(answered.codes, answered.answers)
    ]


def _curve(answered: ModelAnswers) -> list[dict[str, Any]]:
    kept = ~answered.refused
    if not kept.any():
        return []
    return error_coverage_curve(
        answered.confidences[kept], answered.wrong[kept], n_refused=int((~kept).sum())
    )


def _calibration(answered: ModelAnswers, metrics: Metrics) -> dict[str, Any]:
    values = {
        name: getattr(metrics, name) for name in ("ece", "classwise_ece", "brier", "log_loss")
    }
    bins = reliability(answered.scores.confidences, answered.scores.right)
    return {**finite(values), "reliability": bins}


def _unknown_codes(
    answered: ModelAnswers, predictor: Predictor, nomenclature: Nomenclature
) -> dict[str, Any]:
    """Count the texts whose code the model never saw, code by code."""
    known = set(predictor.codes)
    counts = Counter(code for code in answered.codes if code not in known)
    return {
        "n_texts": counts.total(),
        "codes": [
            {
                "code": code,
                "title": nomenclature.title_of(code),
                "in_nomenclature": code in nomenclature,
                "n_texts": n_texts,
            }
            for code, n_texts in counts.most_common()
        ],
    }


def _compare(
    answered: ModelAnswers,
    independent: Bools,
    dataset: Dataset,
    nomenclature: Nomenclature,
    against: Predictor | None,
) -> dict[str, Any] | None:
    """Compare with a second model on one text for each split key."""
    if against is None:
        return None
    other = answer_dataset(against, dataset, nomenclature)
    metrics = metrics_of(other.scores, dataset.codes, against.codes)
    return {
        "model": describe_model(against),
        "metrics": finite(asdict(metrics)),
        "automation": automation(other, independent, against),
        **compare_models(~answered.wrong[independent], ~other.wrong[independent]),
    }


def _costs(
    answered: ModelAnswers, cost_review: float | None, cost_error: float | None
) -> dict[str, Any] | None:
    if cost_review is None and cost_error is None:
        return None
    if cost_review is None or cost_error is None:
        raise UsageError("A cost curve needs both costs: give --cost-review and --cost-error.")
    kept = ~answered.refused
    curve = cost_curve(
        answered.confidences[kept],
        answered.wrong[kept],
        cost_review=cost_review,
        cost_error=cost_error,
        n_refused=int((~kept).sum()),
    )
    return curve.to_dict()


def _examples(answered: ModelAnswers, dataset: Dataset) -> list[dict[str, Any]]:
    """Quote some texts of the worst confusions, the most confident first."""
    worst = worst_confusions(answered.codes, answered.answers, n_pairs=N_EXAMPLE_PAIRS)
    quoted: dict[tuple[str, str], list[dict[str, Any]]] = {
        (pair["code"], pair["answered"]): [] for pair in worst
    }
    seen: set[str] = set()
    for row in np.argsort(-answered.confidences, kind="stable").tolist():
        examples = quoted.get((answered.codes[row], answered.answers[row]))
        if examples is None or len(examples) == N_EXAMPLES or dataset.keys[row] in seen:
            continue
        seen.add(dataset.keys[row])
        examples.append(
            {
                "text": dataset.texts[row],
                "confidence": float(answered.confidences[row]),
                "decision": answered.decisions[row],
            }
        )
    return [
        {"code": code, "answered": answer, "texts": examples}
        for (code, answer), examples in quoted.items()
    ]
