"""Schema: the columns of the prediction log, one row for each item of a request.

Files hold rows of one version. A reader takes versions up to its own: columns that an older version
had not are null. Columns are only ever added.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from libelle.decision import Decision, GuaranteeStatus, Reason

if TYPE_CHECKING:  # Those who only write rows to a spool do without.
    import pyarrow as pa

SCHEMA_VERSION = 1
INVALID_ITEM = "invalid_item"

Kind = Literal["text", "integer", "number", "time", "candidates"]


@dataclass(frozen=True)
class Column:
    """A column of the log.

    Attributes
    ----------
    name : str
    kind : str
        What it holds: times in UTC with microseconds, candidates as codes with probabilities.
    meaning : str
    nullable : bool
    values : tuple of str
        All that it may hold; empty when anything of the kind may stand there.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    values: tuple[str, ...] = ()


COLUMNS: tuple[Column, ...] = (
    Column("schema_version", "integer", "Version of these columns."),
    Column("prediction_id", "text", "Identifier of the prediction; a retry has the same."),
    Column("request_id", "text", "X-Request-ID of the request; the run of a night file."),
    Column("position", "integer", "Of the item in its request, from 0."),
    Column("id", "text", "What the caller calls the item, as the settings keep it.", True),
    Column("client", "text", "Keyed hash of who asked; null when access needs no key.", True),
    Column("received_at", "time", "When the request came, UTC."),
    Column("order", "integer", "Of the row among those of its writer; no clock changes it."),
    Column("duration_seconds", "number", "Between the request and its predictions."),
    Column("model_name", "text", "Name of the model."),
    Column("model_version", "text", "Version in the registry; null for a folder.", True),
    Column("model_digest", "text", "Digest of the model."),
    Column(
        "guarantee_status",
        "text",
        "Status of the promise then.",
        values=tuple(status.value for status in GuaranteeStatus),
    ),
    Column("target_error", "number", "Target error of the promise then.", True),
    Column("threshold_id", "text", "Threshold that decided.", True),
    Column(
        "decision",
        "text",
        "What became of the text; null for an item that failed.",
        True,
        tuple(decision.value for decision in Decision),
    ),
    Column("reason", "text", "Why.", True, tuple(reason.value for reason in Reason)),
    Column("error", "text", "Why the item failed; null otherwise.", True, (INVALID_ITEM,)),
    Column("code", "text", "Code given automatically; null otherwise.", True),
    Column("top_code", "text", "Likeliest code, whatever the decision.", True),
    Column("confidence", "number", "Compared with the threshold.", True),
    Column("candidates", "candidates", "Likeliest codes, the first one first."),
    Column("roll_up_code", "text", "Sure code above a code in doubt.", True),
    Column("roll_up_level", "integer", "Its level, 1 at the top.", True),
    Column("n_characters", "integer", "Of the text as received.", True),
    Column("n_words", "integer", "Of the normalised text.", True),
    Column("n_unknown_words", "integer", "Of them, those that the model never learnt.", True),
    Column("text_hash", "text", "Keyed hash of the text; null for an item that failed.", True),
    Column("text", "text", "The text, when the text policy keeps it.", True),
    Column(
        "text_kind",
        "text",
        "Whether it stands as received; null when it is not kept.",
        True,
        ("original", "redacted"),
    ),
    Column(
        "text_probability",
        "number",
        "Probability with which the text of such a row is kept, fixed beforehand.",
    ),
)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)


@cache
def arrow_schema() -> "pa.Schema":
    """Return the schema of the Parquet files."""
    import pyarrow as pa

    candidate = pa.struct([("code", pa.string()), ("probability", pa.float64())])
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "time": pa.timestamp("us", tz="UTC"),
        "candidates": pa.list_(candidate),
    }
    return pa.schema(
        [pa.field(column.name, types[column.kind], column.nullable) for column in COLUMNS],
        metadata={"libelle_schema_version": str(SCHEMA_VERSION)},
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a row, for readers in any language; times are RFC 3339."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "libelle prediction log, one row",
        "type": "object",
        "properties": {column.name: _describe(column) for column in COLUMNS},
        "required": list(NAMES),
        "additionalProperties": False,
    }


def write_json_schema() -> str:
    """Return the JSON Schema as the text that is published."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "time": {"type": "string", "format": "date-time"},
    "candidates": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "probability": {"type": "number"}},
            "required": ["code", "probability"],
            "additionalProperties": False,
        },
    },
}


def _describe(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {"description": column.meaning}
    if column.name == "schema_version":
        return {**described, "const": SCHEMA_VERSION}
    if column.values:
        return {**described, "enum": [*column.values, *([None] if column.nullable else [])]}
    described |= _JSON_TYPES[column.kind]
    if column.nullable:
        described["type"] = [described["type"], "null"]
    return described
