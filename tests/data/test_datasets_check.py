"""Check: every figure of the report, on files small enough to count by hand."""

import json
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.data.datasets import check_dataset
from libelle.data.datasets.agreement import AgreementCounter
from libelle.data.nomenclature import Nomenclature
from libelle.errors import DataError, UsageError

ROWS = """text;code
Pain;0111
pain;0111
PAIN !;0112
PAIN !;0111
lait;114
;114
crÃ¨me;0114
caf\ufffd;0114
œufs;99
sans code;
"""


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "achats.csv"
    path.write_text(ROWS, encoding="utf-8")
    known = Nomenclature.from_codes(["0111", "0112", "0114"])
    return check_dataset(path, text="text", code="code", nomenclature=known, n_folds=2)


def test_rows_and_texts_are_counted(report):
    assert (report.n_rows, report.n_missing_codes) == (10, 1)
    assert (report.n_empty_texts, report.n_damaged_texts) == (1, 2)
    assert (report.n_exact_duplicates, report.n_key_duplicates, report.n_keys) == (1, 3, 6)
    assert report.length_quantiles["1.0"] == 6


def test_contradictions_are_counted_with_what_they_cost(report):
    assert (report.n_contradictory_keys, report.n_contradictory_rows) == (1, 4)
    assert report.accuracy_ceiling == pytest.approx(8 / 9)
    assert report.self_agreement == pytest.approx(1 / 2)  # 3 of the 6 pairs of "pain" agree.


def test_codes_are_counted_and_compared(report):
    assert report.n_codes == 5
    assert report.rows_of_code == {"0111": 3, "0114": 2, "114": 2, "0112": 1, "99": 1}
    assert report.rare_codes == ("0111", "0112", "99")
    assert report.unknown_codes == ("114", "99")
    assert report.codes_with_zeros == {"114": "0114"}


def test_the_report_is_json_and_plain_english(report):
    assert json.loads(json.dumps(report.to_dict()))["n_keys"] == 6
    text = "\n".join(report.lines())
    assert "10 rows, 1 without a code" in text
    assert "more than 88.9%" in text
    assert "114 → 0114" in text
    assert "œufs" not in text


@given(rows=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=60))
def test_agreement_is_what_its_definition_says(rows):
    with AgreementCounter() as counter:
        for key, code in rows:  # One row at a time: batches make no difference.
            counter.add([str(key)], [str(key)], [code])
        agreement = counter.count(4)
    codes_of_key = defaultdict(list)
    for key, code in rows:
        codes_of_key[key].append(code)
    majority = sum(max(Counter(codes).values()) for codes in codes_of_key.values())
    assert agreement.accuracy_ceiling == pytest.approx(majority / len(rows))
    draws = [
        (codes.count(code) - 1) / (len(codes) - 1)
        for codes in codes_of_key.values()
        for code in codes
        if len(codes) > 1
    ]
    expected = pytest.approx(sum(draws) / len(draws)) if draws else None
    assert agreement.self_agreement == expected
    keys_of_code = [len({key for key, own in rows if own == code}) for code in range(4)]
    assert agreement.keys_of_code.tolist() == keys_of_code


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,code\n", "nothing below"),
        ("text,code\npain,1\nlait,1\n", "one code only"),
        ("text,code\n,1\n ,2\n", "are all empty"),
        ("text,code\npain,\n", "is empty on all"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused(tmp_path, content, message):
    path = tmp_path / "achats.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        check_dataset(path, text="text", code="code")


def test_a_column_of_identifiers_is_no_column_of_codes(tmp_path):
    path = tmp_path / "achats.csv"
    path.write_text("text,code\n" + "".join(f"pain,{n}\n" for n in range(100_001)))
    with pytest.raises(DataError, match="more than 100,000 different values"):
        check_dataset(path, text="text", code="code")


def test_columns_must_be_named(tmp_path):
    path = tmp_path / "achats.csv"
    path.write_text("text,code\npain,1\n")
    with pytest.raises(UsageError, match="libelle check"):
        check_dataset(path, text="text")
