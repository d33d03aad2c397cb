"""Sheet: what a coder fills in, and how the codes come back to the sample they were drawn for.

A sheet shows no answer of the model, nor which arm a text is of: whoever sees them agrees with the
model more often than they would. Texts of both arms are mixed, each arm in the order of its draw.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from libelle.data.datasets.tables import as_text, open_table
from libelle.errors import DataError
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

SHEET_COLUMNS = ("position", "prediction_id", "id", "text", "code")
NOBODY_CAN_TELL = "?"
MOST_NAMED = 3


def make_sheet(sample: pa.Table, texts: Mapping[str, str] | None = None) -> pa.Table:
    """Return the texts to judge, with a column `code` to fill in.

    Parameters
    ----------
    sample : Table
        What `draw` returned.
    texts : mapping of str to str or None
        From the caller's `id` to the text; those of the log when None.

    Raises
    ------
    DataError
        If the text of a row is not there.
    """
    ordered = sample.take(pa.array(_mix(sample["arm"].to_pylist()), pa.int64()))
    ids = ordered["id"].to_pylist()
    found = ordered["text"].to_pylist() if texts is None else [texts.get(one) for one in ids]
    if n_missing := found.count(None):
        raise DataError(
            f"{n_missing:,} of the {len(found):,} texts drawn are not in the file of texts, by "
            "their id. Give the file of all the texts that were sent in this period."
        )
    return pa.table(
        {
            "position": pa.array(np.arange(1, len(ids) + 1)),
            "prediction_id": ordered["prediction_id"],
            "id": ordered["id"],
            "text": pa.array(found, pa.string()),
            "code": pa.nulls(len(ids), pa.string()),
        }
    )


def read_texts(
    uri: str | Path, *, identifier: str, text: str, options: StorageOptions = DEFAULT_OPTIONS
) -> dict[str, str]:
    """Read the texts of a caller by their identifiers.

    Raises
    ------
    DataError
        If a column is missing, or two texts have one identifier.
    StorageError
        If the file cannot be read.
    """
    texts: dict[str, str] = {}
    for key, value in _read_pairs(uri, identifier, text, options):
        if key and texts.setdefault(key, value) != value:
            raise DataError(
                f"{Path(str(uri)).name} has two texts for one value of {identifier!r}: which one "
                "was sent cannot be told. Keep the one that was."
            )
    return texts


def read_answers(
    uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS
) -> list[tuple[str, str]]:
    """Read a sheet that was filled in: the `prediction_id` and the code of each row.

    Raises
    ------
    DataError
        If a column is missing.
    StorageError
        If the file cannot be read.
    """
    return list(_read_pairs(uri, "prediction_id", "code", options))


def join_answers(
    sample: pa.Table, answers: Iterable[tuple[str, str]], *, codes: Collection[str] | None = None
) -> dict[str, str | None]:
    """Bring the codes that people gave to the texts of a sample, for `estimate`.

    Parameters
    ----------
    sample : Table
        What `draw` returned.
    answers : iterable of (str, str)
        The `prediction_id` of a text and its right code: empty when it was not judged yet, `?`
        when nobody can tell.
    codes : collection of str or None
        Codes of the nomenclature; None when it is not known, in which case only the loss of
        leading zeros can be seen.

    Returns
    -------
    dict of str to str or None
        None for a text whose code nobody can tell; texts that were not judged are left out.

    Raises
    ------
    DataError
        If an identifier is not of the sample or stands twice, or a code is none.
    """
    pairs = [(name.strip(), code.strip()) for name, code in answers]
    names = [name for name, _ in pairs]
    drawn = set(sample["prediction_id"].to_pylist())
    _refuse(
        [name for name in names if name not in drawn],
        "a prediction_id that the sample has not. Give the sheet of this very draw.",
    )
    _refuse(
        [name for name, n_times in Counter(names).items() if n_times > 1],
        "a prediction_id that stands twice. Keep one row of it.",
    )
    judged = {name: code for name, code in pairs if code}
    given = {name: code for name, code in judged.items() if code != NOBODY_CAN_TELL}
    _refuse_codes(given, sample["top_code"].to_pylist(), codes)
    return {name: given.get(name) for name in judged}


def _refuse_codes(
    given: Mapping[str, str], top_codes: Sequence[str], codes: Collection[str] | None
) -> None:
    known = set(top_codes if codes is None else codes)
    shortened = {code.lstrip("0") for code in known} - known
    _refuse(
        [name for name, code in given.items() if code not in known and code in shortened],
        "a code that lost its leading zeros in a spreadsheet. Codes are text: give the column "
        "the format Text, and write them again.",
    )
    if codes is not None:
        _refuse(
            [name for name, code in given.items() if code not in known],
            "a code that the nomenclature has not. Write its code, or ? when nobody can tell.",
        )


def _refuse(names: Sequence[str], what: str) -> None:
    """Refuse answers by their identifiers: what stands as a code might be anything."""
    if names:
        shown = ", ".join(name[:40] or "(empty)" for name in names[:MOST_NAMED])
        others = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        rows, have = ("row", "has") if len(names) == 1 else ("rows", "have")
        raise DataError(f"The {rows} {shown}{others} of the answers {have} {what}")


def _mix(arms: Sequence[str]) -> list[int]:
    """Return places in which both arms advance alike, each in its own order."""
    n_drawn = {arm: arms.count(arm) for arm in arms}
    seen = dict.fromkeys(n_drawn, 0)
    shares = []
    for place, arm in enumerate(arms):
        seen[arm] += 1
        shares.append(((seen[arm] - 0.5) / n_drawn[arm], place))
    return [place for _, place in sorted(shares)]


def _read_pairs(
    uri: str | Path, first: str, second: str, options: StorageOptions
) -> Iterable[tuple[str, str]]:
    with open_table(uri, options=options) as table:
        table.require((first, second))
        for batch in table.read((first, second)):
            columns = (as_text(batch.column(name)).to_pylist() for name in (first, second))
            yield from zip(*columns, strict=True)
