"""Reading: coded texts out of a file or an example, codes as text, nothing lost silently."""

import hashlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from libelle.data.datasets import guess_columns, read_dataset, read_source
from libelle.data.datasets.dates import iso_dates
from libelle.errors import DataError, StorageError, UsageError

EXAMPLES = Path(__file__).parents[2] / "examples"
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CONTENT = "libelle;detail;code;jour\npain;;0111;31/01/2024\nlait;entier; 0114 ;2024-02-01\n;;;\n"


def written(tmp_path, content=CONTENT, name="achats.csv"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def parquet(tmp_path, **columns):
    path = tmp_path / "achats.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_codes_stay_text_and_rows_without_code_are_counted(tmp_path):
    dataset = read_dataset(written(tmp_path), text="libelle", code="code", date="jour")
    assert dataset.codes == ["0111", "0114"]
    assert dataset.texts == ["pain", "lait"]
    assert dataset.dates == ["2024-01-31", "2024-02-01"]
    assert (dataset.n_rows_read, dataset.n_missing_codes, dataset.name) == (3, 1, "achats")


def test_the_parts_of_a_text_are_joined_when_they_are_filled(tmp_path):
    dataset = read_dataset(written(tmp_path), text=["libelle", "detail"], code="code")
    assert dataset.texts == ["pain", "lait : entier"]


def test_the_same_rows_have_the_same_digest_in_any_format(tmp_path):
    csv = read_dataset(written(tmp_path), text="libelle", code="code")
    columns = {"libelle": ["pain", "lait"], "code": ["0111", "0114"]}
    assert (
        read_dataset(parquet(tmp_path, **columns), text="libelle", code="code").digest == csv.digest
    )


def test_taking_rows_takes_their_keys_too(tmp_path):
    dataset = read_dataset(written(tmp_path), text="libelle", code="code", date="jour")
    assert dataset.keys == ["pain", "lait"]
    taken = dataset.take([1])
    assert (taken.texts, taken.codes, taken.dates, taken.keys) == (
        ["lait"],
        ["0114"],
        ["2024-02-01"],
        ["lait"],
    )


@pytest.mark.parametrize("codes", [[111, 112], [111.0, None]])
def test_codes_stored_as_numbers_are_read_with_a_warning(tmp_path, codes):
    dataset = read_dataset(
        parquet(tmp_path, text=["pain", "lait"], code=codes), text="text", code="code"
    )
    assert dataset.codes[0] == "111"
    assert "leading zeros may already be lost" in dataset.warnings[0]


def test_codes_stored_as_decimals_are_refused(tmp_path):
    path = parquet(tmp_path, text=["pain", "lait"], code=[1.1, 1.2])
    with pytest.raises(DataError, match="numbers with decimals"):
        read_dataset(path, text="text", code="code")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("text,code\n", "a row of names and nothing below"),
        ("text,code\npain,\n", "column 'code' is empty on all of the 1 rows"),
        ("text,code\n ,1\n,2\n", "are all empty"),
        ("texte,code\npain,1\n", "no column 'text'. Its columns: texte, code"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_dataset(written(tmp_path, content), text="text", code="code")


def test_unnamed_columns_are_asked_for(tmp_path):
    with pytest.raises(UsageError, match="Columns: libelle, detail, code, jour"):
        read_dataset(written(tmp_path))


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("2024-01-31", "2024-01-31"),
        ("31/01/2024", "2024-01-31"),
        ("1.2.2024 08:30", "2024-02-01T08:30:00"),
        ("2024-01-31T00:30:00+02:00", "2024-01-30T22:30:00"),
        ("20240131", "2024-01-31"),
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        ("", ""),
    ],
)
def test_dates_become_iso(written_as, expected):
    assert iso_dates([written_as], column="jour") == [expected]


@pytest.mark.parametrize("value", ["demain", "01/31/2024", "2024-13", "0001-01-01T00:00+05:00"])
def test_what_is_no_date_is_refused_with_its_place_and_not_its_value(value):
    with pytest.raises(DataError, match="'jour', coded row 2: not a date") as caught:
        iso_dates(["2024-01-01", value], column="jour")
    assert value not in str(caught.value)


def test_dates_of_parquet_are_read(tmp_path):
    path = parquet(tmp_path, text=["pain"], code=["1"], day=[date(2024, 1, 31)])
    assert read_dataset(path, text="text", code="code", date="day").dates == ["2024-01-31"]


def example(tmp_path, **keys):
    lines = [f"{key} = {value!r}" for key, value in keys.items()]
    return written(tmp_path, "\n".join(lines), "exemple.toml")


def test_an_example_gives_address_digest_and_columns(tmp_path):
    digest = hashlib.sha256(written(tmp_path).read_bytes()).hexdigest()
    path = example(
        tmp_path, address="achats.csv", sha256=digest, text=["libelle", "detail"], code="code"
    )
    dataset = read_dataset(path)
    assert (dataset.texts[1], dataset.name) == ("lait : entier", "exemple")
    assert read_dataset(path, text="detail").texts == ["", "entier"]


def test_an_example_whose_file_changed_is_refused_with_both_digests(tmp_path):
    written(tmp_path)
    path = example(tmp_path, address="achats.csv", sha256="ab" * 32, text="libelle", code="code")
    with pytest.raises(StorageError, match=f"is [0-9a-f]{{64}}, not {'ab' * 32}"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"text": "a"}, "has no address"),
        ({"address": "a.csv", "texte": "a"}, "unknown key 'texte'"),
        ({"address": 3}, "address must be a text"),
    ],
)
def test_a_wrong_example_is_refused(tmp_path, keys, message):
    with pytest.raises(DataError, match=message):
        read_dataset(example(tmp_path, **keys))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_of_the_project_are_whole(path):
    source = read_source(path)
    assert source.address.startswith("https://")
    assert len(source.sha256) == 64
    assert source.text
    assert all([source.code, source.licence, source.publisher])


def test_columns_are_guessed_from_what_they_hold(tmp_path):
    rows = [
        f"{n},libellé numéro {n} du fichier,0{n % 9},2024-01-{n % 28 + 1:02}" for n in range(99)
    ]
    path = written(tmp_path, "\n".join(["n,intitule_court,nace,depot", *rows]), "mes données.csv")
    guess = guess_columns(path)
    assert [column.name for column in guess.columns] == ["n", "intitule_court", "nace", "depot"]
    assert guess.command == f"libelle train '{path}' --text intitule_court --code nace"
    assert guess.to_dict()["command"] in guess.lines()[-1]


def test_nothing_is_guessed_where_nothing_looks_like_a_code(tmp_path):
    rows = [f"{n},libellé numéro {n}" for n in range(50)]
    guess = guess_columns(written(tmp_path, "\n".join(["id,text", *rows])))
    assert (guess.text, guess.code, guess.command) == ("text", None, None)
    assert "--text and --code" in guess.lines()[-1]


@pytest.mark.real_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real public sets are not beside the project")
@pytest.mark.parametrize("name", ["coicop_bdf", "reserve_parlementaire", "uk_sic_index"])
def test_the_columns_of_real_sets_are_guessed(name):
    guess = guess_columns(SHARED / name / "train.parquet")
    assert (guess.text, guess.code) == ("text", "label")


def test_codes_with_a_nul_are_refused(tmp_path):
    path = parquet(tmp_path, libelle=["pain", "lait"], code=["0111", "0114\0"])
    with pytest.raises(DataError, match="NUL"):
        read_dataset(path, text="libelle", code="code")
