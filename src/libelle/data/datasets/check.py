"""Check: what a file of coded texts holds, and what will hinder learning from it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from libelle.data.datasets.agreement import Agreement, AgreementCounter
from libelle.data.datasets.dataset import (
    coded_rows,
    column_names,
    number_warnings,
    open_source,
    refuse_empty_texts,
    refuse_nothing,
    refuse_one_code,
    refuse_unnamed,
    source_with_columns,
)
from libelle.data.datasets.examples import Source
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import split_key
from libelle.errors import DataError
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

_MOST_CODES = 100_000
_MOST_SHOWN = 8
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
# What UTF-8 accents become when they are read as Latin-1 or CP1252, and what lost ones leave.
_DAMAGED = "\ufffd|Ã[\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u2122]|Â[\u0080-\u00bf]|â€|ï¿½"


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """What was seen in a file of coded texts; no text of it is kept.

    Attributes
    ----------
    name : str
    n_rows, n_missing_codes : int
        Rows of the file; those without a code, which nothing below counts.
    n_empty_texts, n_damaged_texts : int
        Texts that are blank; texts with characters lost or misread.
    n_exact_duplicates, n_key_duplicates : int
        Rows whose text, or whose split key, stands higher in the file.
    n_keys, n_contradictory_keys, n_contradictory_rows : int
        Different split keys; those that have several codes, and their rows.
    accuracy_ceiling, self_agreement : float, float or None
        As `Agreement` defines them.
    n_codes : int
    rows_of_code : mapping of str to int
        The rows of each code, the most frequent first.
    n_folds : int
    rare_codes : tuple of str
        Codes of fewer split keys than folds.
    unknown_codes : tuple of str
        Codes that the nomenclature does not list; empty without nomenclature.
    codes_with_zeros : mapping of str to str
        Unknown codes that leading zeros make known, and what they become.
    length_quantiles : mapping of str to int
        Characters of the texts, by quantile.
    warnings : tuple of str
    """

    name: str
    n_rows: int
    n_missing_codes: int
    n_empty_texts: int
    n_damaged_texts: int
    n_exact_duplicates: int
    n_key_duplicates: int
    n_keys: int
    n_contradictory_keys: int
    n_contradictory_rows: int
    accuracy_ceiling: float
    self_agreement: float | None
    n_codes: int
    rows_of_code: Mapping[str, int]
    n_folds: int
    rare_codes: tuple[str, ...]
    unknown_codes: tuple[str, ...]
    codes_with_zeros: Mapping[str, str]
    length_quantiles: Mapping[str, int]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON takes it."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report in plain English, what matters most first."""
        return [*self._content(), *self._agreement(), *self._codes(), *self.warnings]

    def _content(self) -> list[str]:
        lengths = self.length_quantiles
        return [
            f"{self.n_rows:,} rows, {self.n_missing_codes:,} without a code (left out).",
            f"{self.n_empty_texts:,} empty texts, {self.n_damaged_texts:,} with damaged letters.",
            f"Length of the texts: half have {lengths['0.5']} characters or fewer, "
            f"one in twenty more than {lengths['0.95']}, the longest {lengths['1.0']}.",
        ]

    def _agreement(self) -> list[str]:
        lines = [
            f"{self.n_exact_duplicates:,} repeated texts; {self.n_key_duplicates:,} when case, "
            "accents and punctuation are set aside.",
            f"Texts that have several codes: {self.n_contradictory_keys:,} "
            f"({self.n_contradictory_rows:,} rows): no classifier of texts can be right on more "
            f"than {self.accuracy_ceiling:.1%}.",
        ]
        if self.self_agreement is not None:
            lines.append(f"Repeated texts agree with each other on {self.self_agreement:.1%}.")
        return lines

    def _codes(self) -> list[str]:
        by_size = list(self.rows_of_code.items())
        (largest, n_largest), (smallest, n_smallest) = by_size[0], by_size[-1]
        lines = [
            f"{self.n_codes:,} codes, from {n_largest:,} rows ({largest}) to {n_smallest:,} "
            f"({smallest})."
        ]
        if self.rare_codes:
            lines.append(
                f"Codes of fewer than {self.n_folds} different texts, so that some of the "
                f"{self.n_folds} folds miss them: {len(self.rare_codes):,} "
                f"({_some(self.rare_codes)})."
            )
        if self.unknown_codes:
            lines.append(
                f"Codes that the nomenclature does not list: {len(self.unknown_codes):,} "
                f"({_some(self.unknown_codes)})."
            )
        if self.codes_with_zeros:
            pairs = [f"{code} → {known}" for code, known in self.codes_with_zeros.items()]
            lines.append(f"Leading zeros were probably lost: {_some(pairs)}.")
        return lines


def check_dataset(
    uri: str | Path,
    *,
    text: str | Sequence[str] | None = None,
    code: str | None = None,
    nomenclature: Nomenclature | None = None,
    n_folds: int = 5,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> DatasetReport:
    """Look at every row of a file of coded texts, in bounded memory.

    Parameters are those of `read_dataset`; `n_folds` tells which codes are rare.

    Raises
    ------
    UsageError
        If no column is named for the text or for the code.
    DataError
        If a column is missing, if nothing is coded, if there is one code only or more than 100,000,
        if all texts are empty.
    StorageError
        If the file cannot be read.
    """
    source = source_with_columns(uri, text=text, code=code, options=options)
    seen = _Seen()
    with open_source(source, options) as table, AgreementCounter() as counter:
        refuse_unnamed(table, source)
        for batch in table.read(column_names(source)):
            seen.add(batch, source, counter)
        refuse_nothing(table.name, source, n_rows=seen.n_rows, n_coded=seen.rows_of_code.total())
        agreement = counter.count(len(seen.number_of_code))
    seen.refuse_useless(source)
    return _report(source, seen, agreement, nomenclature=nomenclature, n_folds=n_folds)


class _Seen:
    """What is counted batch by batch, save agreement."""

    def __init__(self) -> None:
        self.n_rows = self.n_empty_texts = self.n_damaged_texts = 0
        self.rows_of_code: Counter[str] = Counter()
        self.rows_of_length: Counter[int] = Counter()
        self.number_of_code: dict[str, int] = {}
        self.warnings: dict[str, None] = {}

    def add(self, batch: Any, source: Source, counter: AgreementCounter) -> None:
        """Count a batch."""
        self.warnings.update(dict.fromkeys(number_warnings(batch, source)))
        self.n_rows += batch.num_rows
        rows = coded_rows(batch, source)
        texts, codes = rows["text"], rows["code"].to_pylist()
        self.n_empty_texts += _count(pc.equal(pc.utf8_trim_whitespace(texts), ""))
        self.n_damaged_texts += _count(pc.match_substring_regex(texts, _DAMAGED))
        self.rows_of_length.update(pc.utf8_length(texts).to_pylist())
        self.rows_of_code.update(codes)
        self._refuse_too_many_codes(source)
        numbers = [self.number_of_code.setdefault(code, len(self.number_of_code)) for code in codes]
        values = texts.to_pylist()
        counter.add(values, list(map(split_key, values)), numbers)

    def refuse_useless(self, source: Source) -> None:
        """Raise `DataError` when nothing can be learnt from what was seen."""
        refuse_empty_texts(source, n_filled=self.rows_of_code.total() - self.n_empty_texts)
        refuse_one_code(source.name, n_codes=len(self.rows_of_code))

    def _refuse_too_many_codes(self, source: Source) -> None:
        if len(self.rows_of_code) > _MOST_CODES:
            raise DataError(
                f"Column {source.code!r} has more than {_MOST_CODES:,} different values. "
                "Is it the column of the codes?"
            )


def _report(
    source: Source,
    seen: _Seen,
    agreement: Agreement,
    *,
    nomenclature: Nomenclature | None,
    n_folds: int,
) -> DatasetReport:
    rows_of_code = dict(sorted(seen.rows_of_code.items(), key=lambda item: (-item[1], item[0])))
    codes = sorted(rows_of_code)
    unknown = [code for code in codes if nomenclature is not None and code not in nomenclature]
    return DatasetReport(
        name=source.name,
        n_rows=seen.n_rows,
        n_missing_codes=seen.n_rows - agreement.n_rows,
        n_empty_texts=seen.n_empty_texts,
        n_damaged_texts=seen.n_damaged_texts,
        n_exact_duplicates=agreement.n_rows - agreement.n_texts,
        n_key_duplicates=agreement.n_rows - agreement.n_keys,
        n_keys=agreement.n_keys,
        n_contradictory_keys=agreement.n_contradictory_keys,
        n_contradictory_rows=agreement.n_contradictory_rows,
        accuracy_ceiling=agreement.accuracy_ceiling,
        self_agreement=agreement.self_agreement,
        n_codes=len(codes),
        rows_of_code=rows_of_code,
        n_folds=n_folds,
        rare_codes=_rare(codes, seen, agreement, n_folds),
        unknown_codes=tuple(unknown),
        codes_with_zeros=_with_zeros(unknown, nomenclature),
        length_quantiles=_quantiles(seen.rows_of_length),
        warnings=tuple(seen.warnings),
    )


def _rare(codes: Sequence[str], seen: _Seen, agreement: Agreement, n_folds: int) -> tuple[str, ...]:
    keys_of_code = agreement.keys_of_code
    return tuple(code for code in codes if keys_of_code[seen.number_of_code[code]] < n_folds)


def _with_zeros(unknown: Iterable[str], nomenclature: Nomenclature | None) -> dict[str, str]:
    """Return the unknown codes that are known once padded with zeros, the fewest that do."""
    if nomenclature is None:
        return {}
    longest = max(map(len, nomenclature.codes))
    padded = {
        code: [code.rjust(n, "0") for n in range(len(code) + 1, longest + 1)] for code in unknown
    }
    known = {code: list(filter(nomenclature.__contains__, tries)) for code, tries in padded.items()}
    return {code: tries[0] for code, tries in known.items() if tries}


def _quantiles(rows_of_length: Counter[int]) -> dict[str, int]:
    lengths = np.array(sorted(rows_of_length), dtype=np.int64)
    below = np.cumsum([rows_of_length[length] for length in lengths.tolist()])
    places = np.searchsorted(below, np.array(_QUANTILES) * below[-1])
    return dict(zip(map(str, _QUANTILES), lengths[places].tolist(), strict=True))


def _count(mask: Any) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _some(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_MOST_SHOWN])
    n_more = len(items) - _MOST_SHOWN
    return f"{shown} and {n_more:,} more" if n_more > 0 else shown
