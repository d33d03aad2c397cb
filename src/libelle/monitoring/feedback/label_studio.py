"""Label Studio: predictions as tasks that coders answer, and their annotations read back."""

import html
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from libelle.errors import DataError
from libelle.monitoring.feedback.exporting import Export
from libelle.monitoring.feedback.importing import (
    Answer,
    Complaint,
    ReadAnswers,
)
from libelle.monitoring.feedback.rows import FeedbackVerdict, is_possible_time

_ANSWER, _TEXT = "answer", "text"
_NO_CODE = {
    FeedbackVerdict.NOT_ENOUGH_INFORMATION: "Le libellé ne suffit pas",
    FeedbackVerdict.AMBIGUOUS_NOMENCLATURE: "Plusieurs postes conviennent",
}
_NOT_OURS = "it is no task that libelle exported. Import what `libelle feedback export` wrote."


def export_tasks(
    items: pa.Table,
    *,
    codes: Sequence[str] = (),
    title_of: Callable[[str], str] | None = None,
) -> Export:
    """Make a task of each prediction whose text is kept; its first candidate is chosen already.

    Beside the tasks stands the XML of the project that shows them.

    Parameters
    ----------
    items : pyarrow.Table
        As `read_items` gives it.
    codes : sequence of str
        Codes that coders may choose, besides all candidates.
    title_of : callable or None
        Gives the title of a code; codes alone are shown if None.
    """
    shown = items.filter(items["text"].is_valid()).to_pylist()
    candidates = (one["code"] for item in shown for one in item["candidates"])
    choices = list(dict.fromkeys([*codes, *sorted(candidates)]))
    tasks = [_make_task(item) for item in shown]
    contents = {
        "": orjson.dumps(tasks, option=orjson.OPT_INDENT_2) + b"\n",
        ".xml": make_labelling_config(choices, title_of=title_of).encode(),
    }
    return Export(contents, len(tasks), items.num_rows - len(tasks), "which are left out")


def make_labelling_config(
    codes: Sequence[str], *, title_of: Callable[[str], str] | None = None
) -> str:
    """Return the XML of a project where a coder chooses one code, or says why there is none."""
    reasons = [_choice(value, title) for value, title in _NO_CODE.items()]
    named = [_choice(code, f"{code} – {title_of(code)}" if title_of else code) for code in codes]
    lines = [
        "<View>",
        f'  <Text name="{_TEXT}" value="${_TEXT}"/>',
        f'  <Filter name="filter" toName="{_ANSWER}" minlength="0" hotkey="shift+f"/>',
        f'  <Choices name="{_ANSWER}" toName="{_TEXT}" choice="single" required="true">',
        *(f"    {one}" for one in [*reasons, *named]),
        "  </Choices>",
        "</View>",
    ]
    return "\n".join([*lines, ""])


def import_annotations(content: bytes) -> ReadAnswers:
    """Read the answers of a file that Label Studio exported as JSON; coders are `completed_by`.

    A code that is among the candidates of its task is `confirmed`, another one `corrected`.
    Annotations that were skipped are no answers.

    Raises
    ------
    DataError
        If it is no such file.
    """
    answers: list[Answer] = []
    complaints: list[Complaint] = []
    n_unanswered = 0
    for number, task in enumerate(_read_tasks(content), 1):
        found = list(_read_task(task, number))
        n_unanswered += not found
        complaints += [one for one in found if isinstance(one, Complaint)]
        answers += [one for one in found if isinstance(one, Answer)]
    return ReadAnswers(answers, complaints, n_unanswered)


def _make_task(item: dict[str, Any]) -> dict[str, Any]:
    codes = [one["code"] for one in item["candidates"]]
    about = {name: item[name] for name in ("prediction_id", "decision", "confidence")}
    version = " ".join(filter(None, (item["model_name"], item["model_version"])))
    return {
        "data": {_TEXT: item["text"], "prediction_id": item["prediction_id"]},
        "meta": {**about, "candidates": codes},
        "predictions": [
            {
                "model_version": version,
                "score": item["confidence"],
                "result": [
                    {
                        "id": item["prediction_id"][:8],
                        "from_name": _ANSWER,
                        "to_name": _TEXT,
                        "type": "choices",
                        "value": {"choices": [code]},
                    }
                ],
            }
            for code in codes[:1]
        ],
    }


def _choice(value: str, shown: str) -> str:
    # The page shows `html`, which is HTML: the title is escaped for it, then for the attribute.
    printable = "".join(char if char.isprintable() else " " for char in shown)
    return f'<Choice value="{html.escape(value)}" html="{html.escape(html.escape(printable))}"/>'


def _read_tasks(content: bytes) -> list[Any]:
    try:
        tasks = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise DataError("It is not JSON. Export the project from Label Studio as JSON.") from None
    if not isinstance(tasks, list) or any(
        isinstance(task, dict) and "annotation_id" in task for task in tasks
    ):
        raise DataError("It is not a list of tasks. Export as JSON, neither JSON-MIN nor CSV.")
    return tasks


def _read_task(task: Any, number: int) -> Iterator[Answer | Complaint]:
    try:
        about = task["meta"]
        prediction_id = str(task["data"]["prediction_id"])
        candidates = [str(code) for code in about["candidates"]]
        annotations = [dict(one) for one in task.get("annotations") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        yield Complaint(f"Task {number}", _NOT_OURS)
        return
    for place, annotation in enumerate(annotations, 1):
        if not annotation.get("was_cancelled"):
            where = f"Task {number}, annotation {place}"
            yield _read_annotation(where, prediction_id, candidates, annotation)


def _read_annotation(
    where: str, prediction_id: str, candidates: Sequence[str], annotation: dict[str, Any]
) -> Answer | Complaint:
    chosen = _find_choice(annotation.get("result"))
    if chosen is None:
        return Complaint(where, "it has not exactly one answer. Choose one, or skip the task.")
    coder = _find_coder(annotation.get("completed_by"))
    given_at = _read_time(annotation.get("updated_at") or annotation.get("created_at"))
    verdict, code = FeedbackVerdict.CORRECTED, None
    if chosen in tuple(_NO_CODE):
        verdict = FeedbackVerdict(chosen)
    else:
        code = chosen
        verdict = FeedbackVerdict.CONFIRMED if chosen in candidates else verdict
    return Answer(where, prediction_id, verdict, code, coder, given_at)


def _find_choice(result: Any) -> str | None:
    """Return what a coder chose; None unless it is one thing."""
    try:
        choices = [
            choice
            for part in result
            if part.get("from_name") == _ANSWER
            for choice in part["value"]["choices"]
        ]
    except (KeyError, TypeError, AttributeError):
        return None
    return choices[0] if len(choices) == 1 and isinstance(choices[0], str) else None


def _find_coder(completed_by: Any) -> str:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)


def _read_time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if not is_possible_time(moment):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
