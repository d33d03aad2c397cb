"""What coding a file promises: every row, in order, whole or not at all, in bounded memory."""

import csv
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from libelle.bulk import CHUNK_TEXTS, COLUMNS, predict_file
from libelle.errors import DataError, UsageError
from libelle.predictor import Predictor
from tests.test_predictor import make_predictor

TEXTS = ["nid de poule", "", 'il a dit "bonjour"', "deux\nlignes", "crèche, été"]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor.load(make_predictor().save(tmp_path_factory.mktemp("m") / "demo"))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "requests.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows((f"00{number}", text) for number, text in enumerate(TEXTS))
    return path


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_column_is_kept_then_the_predictions_come(predictor, source, tmp_path):
    summary = predict_file(predictor, str(source), str(tmp_path / "out.csv"), text="text")
    rows = read_csv(tmp_path / "out.csv")
    assert list(rows[0]) == ["id", "text", *COLUMNS]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["id"] for row in rows] == ["000", "001", "002", "003", "004"]
    assert (summary.n_texts, summary.n_refused, summary.n_review) == (5, 3, 2)


def test_a_file_gets_the_answers_of_single_texts(predictor, source, tmp_path):
    predict_file(predictor, str(source), str(tmp_path / "out.csv"), text="text", top_k=3)
    for row in read_csv(tmp_path / "out.csv"):
        (expected,) = predictor.predict([row["text"]], top_k=3)
        candidates = json.loads(row["candidates"])
        assert [c["code"] for c in candidates] == [c.code for c in expected.candidates]
        assert row["decision"] == expected.decision.value
        assert row["reason"] == expected.reason.value
        assert row["code"] == ""
        assert row["top_code"] == (candidates[0]["code"] if candidates else "")
        assert row["model_digest"] == predictor.digest


def test_parquet_holds_candidates_as_structures(predictor, source, tmp_path):
    predict_file(predictor, str(source), str(tmp_path / "out.parquet"), text="text")
    table = pq.read_table(tmp_path / "out.parquet")
    first = table.to_pylist()[0]
    assert first["candidates"][0]["code"] == first["top_code"] == "0101"
    assert first["code"] is None
    assert table.schema.field("confidence").type == pa.float64()


def test_chunks_change_nothing(predictor, tmp_path):
    texts = [f"nid de poule numero {number}" for number in range(CHUNK_TEXTS + 7)]
    pyarrow.csv.write_csv(pa.table({"text": texts}), tmp_path / "many.csv")
    predict_file(predictor, str(tmp_path / "many.csv"), str(tmp_path / "out.parquet"), text="text")
    assert pq.read_table(tmp_path / "out.parquet")["text"].to_pylist() == texts


def test_no_row_gives_a_header(predictor, tmp_path):
    (tmp_path / "in.csv").write_text("id,text\n")
    summary = predict_file(
        predictor, str(tmp_path / "in.csv"), str(tmp_path / "o.csv"), text="text"
    )
    assert summary.n_texts == 0
    assert (tmp_path / "o.csv").read_text().startswith('"id","text","code","title"')


def test_a_failure_leaves_no_file(predictor, source, tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(predictor, "predict", fail)
    with pytest.raises(KeyboardInterrupt):
        predict_file(predictor, str(source), str(tmp_path / "out.csv"), text="text")
    assert [path.name for path in tmp_path.iterdir()] == ["requests.csv"]


def test_a_missing_column_lists_those_that_exist(predictor, source, tmp_path):
    with pytest.raises(DataError, match="id, text"):
        predict_file(predictor, str(source), str(tmp_path / "out.csv"), text="libelle")


def test_a_column_that_would_be_hidden_gets_another_name(predictor, tmp_path):
    (tmp_path / "in.csv").write_text("text,code,input_code\nnid de poule,0999,x\n")
    predict_file(predictor, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), text="text")
    (row,) = read_csv(tmp_path / "out.csv")
    assert (row["input_input_code"], row["input_code"], row["code"]) == ("0999", "x", "")


def test_another_ending_is_refused_before_anything_is_read(predictor, tmp_path):
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        predict_file(predictor, "absent.csv", str(tmp_path / "out.xlsx"), text="text")


@pytest.mark.parametrize("name", ["requests.csv", "./requests.csv"])
def test_the_file_of_the_texts_is_not_written_over(predictor, source, monkeypatch, name):
    monkeypatch.chdir(source.parent)
    before = source.read_bytes()
    with pytest.raises(UsageError, match="is the file of the texts"):
        predict_file(predictor, str(source), name, text="text")
    assert source.read_bytes() == before
