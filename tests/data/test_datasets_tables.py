"""Tables: the same rows whatever the format, the delimiter and the encoding."""

import csv
import gzip
import io
import json
from contextlib import suppress
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.data.datasets import as_text, open_table, read_table_batches
from libelle.data.datasets.delimited import detect_encoding
from libelle.errors import DataError, StorageError

ROWS = [("pain de mie, 500 g", "0111"), ('dit "brioché"', "0112"), ("crème\nfraîche ; été", "NA")]
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


def csv_bytes(rows, *, delimiter=",", encoding="utf-8", end="\n", header=("text", "code")):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return stream.getvalue().encode(encoding)


def written(tmp_path, content, name="données.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def read(path, columns=None):
    batches = list(read_table_batches(path, columns=columns))
    table = pa.Table.from_batches(batches)
    return list(zip(*(as_text(column).to_pylist() for column in table.columns), strict=True))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_csv_reads_the_same(tmp_path, delimiter, encoding, end):
    content = csv_bytes(ROWS, delimiter=delimiter, encoding=encoding, end=end)
    assert read(written(tmp_path, content)) == ROWS


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
)
def test_what_is_written_as_csv_is_read_back(tmp_path_factory, rows, delimiter):
    content = csv_bytes(rows, delimiter=delimiter, header=("a", "b", "c"))
    assert read(written(tmp_path_factory.mktemp("csv"), content)) == rows


def test_gzip_is_known_by_its_first_bytes(tmp_path):
    path = written(tmp_path, gzip.compress(csv_bytes(ROWS)), "sans-suffixe")
    assert read(path) == ROWS


def test_an_accent_after_a_long_ascii_file_is_still_seen(tmp_path):
    content = b"text,code\n" + b"pain,1\n" * 400_000 + "café,2\n".encode("latin-1")
    assert read(written(tmp_path, content))[-1] == ("café", "2")


def test_latin_1_is_read_where_cp1252_has_a_hole(tmp_path):
    assert detect_encoding(written(tmp_path, b"text,code\n\xe9t\xe9\x81,1\n")) == "latin-1"


def test_a_wrong_byte_in_a_utf8_file_is_refused_with_its_line(tmp_path):
    content = "text,code\nété,1\nnoël,2\n".encode() + b"caf\xe9,3\n"
    with pytest.raises(DataError, match="line 4: a byte that is not UTF-8"):
        read(written(tmp_path, content))


def test_a_binary_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not a text"):
        read(written(tmp_path, bytes(range(8)) * 100 + bytes(300)))


def test_texts_that_look_like_missing_values_stay(tmp_path):
    rows = [("NA", "null"), ("NaN", "None"), ("", "-"), ("#N/A", "0")]
    assert read(written(tmp_path, csv_bytes(rows))) == rows


def test_commas_of_texts_do_not_make_a_delimiter(tmp_path):
    content = b"text;code\n" + b"un, deux, trois;01\n" * 20
    assert read(written(tmp_path, content))[0] == ("un, deux, trois", "01")


def test_the_delimiter_is_the_one_that_cuts_every_row_alike(tmp_path):
    content = "libellé, en clair, de l'achat;code\n" + "un, deux;01\ntrois;02\n" * 20
    assert read(written(tmp_path, content.encode()))[1] == ("trois", "02")


def test_one_column_alone_is_read(tmp_path):
    path = written(tmp_path, b'text\npain, beurre\n"oeufs; lait"\n')
    assert read(path) == [("pain, beurre",), ("oeufs; lait",)]


@pytest.mark.parametrize("row", [b"un,deux,trois\n", b"seul\n"])
def test_a_ragged_row_is_refused_with_its_line_and_without_its_text(tmp_path, row):
    content = b'text,code\n"deux\nlignes",1\n' + row + b"pain,2\n"
    with pytest.raises(DataError, match=r"line 4: \d fields where the first row has 2") as caught:
        read(written(tmp_path, content))
    assert "seul" not in str(caught.value)
    assert "trois" not in str(caught.value)


def test_a_quotation_mark_that_nothing_closes_is_refused_with_its_line(tmp_path):
    with pytest.raises(DataError, match="line 3: a quotation mark"):
        read(written(tmp_path, b'text,code\npain,1\n"vis 5,2\nlait,3\n'))


def test_blank_lines_are_no_rows(tmp_path):
    assert read(written(tmp_path, b"\n\ntext,code\r\n\r\npain,1\r\n\r\n")) == [("pain", "1")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path, content):
    with pytest.raises(DataError, match="is empty"):
        read(written(tmp_path, content))


def test_names_that_repeat_or_lack_are_numbered(tmp_path):
    path = written(tmp_path, b"text,text,,code\na,b,c,d\n")
    with open_table(path) as table:
        assert table.columns == ("text", "text_2", "column_3", "code")
    assert read(path, ["text_2", "column_3"]) == [("b", "c")]


def test_a_missing_column_is_told_with_those_that_exist(tmp_path):
    path = written(tmp_path, csv_bytes(ROWS))
    with pytest.raises(
        DataError, match=r"no column 'txt'\. Its columns: text, code. Did you mean 'text'"
    ):
        read(path, ["txt"])


def test_ndjson_keeps_numbers_as_they_are_written(tmp_path):
    lines = b'{"text": "pain", "code": 0.10}\n\n{"code": 1e3, "text": null, "autre": [1, true]}\n'
    path = written(tmp_path, lines, "données.ndjson")
    assert read(path) == [("pain", "0.10", ""), ("", "1e3", '["1", true]')]


def test_ndjson_with_half_a_character_is_read(tmp_path):
    path = written(tmp_path, b'{"text": "a\\ud800b", "code": "1"}\n', "données.jsonl")
    assert read(path) == [("a\ufffdb", "1")]


@pytest.mark.parametrize("line", [b"[1]", b"{", b'"pain"', b'{"text": "\xe9"}', b"[" * 100_000])
def test_a_line_that_is_no_object_is_refused_with_its_number(tmp_path, line):
    path = written(tmp_path, b'{"text": "a"}\n' + line + b"\n", "données.ndjson")
    with pytest.raises(DataError, match="line 2: not a JSON object"):
        read(path)


def test_parquet_types_become_texts(tmp_path):
    path = tmp_path / "données.parquet"
    columns = {
        "text": pa.array(["pain", None]).dictionary_encode(),
        "whole": [111, None],
        "float": [111.0, 1.5],
        "day": [date(2024, 1, 31), None],
        "flag": [True, None],
        "bytes": [b"caf\xc3\xa9", None],
    }
    pq.write_table(pa.table(columns), path)
    assert read(path) == [
        ("pain", "111", "111", "2024-01-31", "true", "café"),
        ("", "", "1.5", "", "", ""),
    ]


def test_a_damaged_parquet_file_is_refused(tmp_path):
    path = tmp_path / "données.parquet"
    pq.write_table(pa.table({"text": ["pain"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged Parquet"):
        read(path)


def workbook(tmp_path, rows, *, title="Feuille"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    path = tmp_path / "données.xlsx"
    book.save(path)
    return path, book


def test_a_workbook_is_read_as_it_is_seen(tmp_path):
    rows = [
        [],
        ["text", "code", "day"],
        ["pain", "0111", datetime(2024, 1, 31)],
        ["lait", 12, None],
    ]
    path, _ = workbook(tmp_path, rows)
    assert read(path) == [("pain", "0111", "2024-01-31"), ("lait", "12", "")]


def test_zeros_that_a_workbook_shows_are_kept(tmp_path):
    path, book = workbook(tmp_path, [["text", "code"], ["pain", 111]])
    book.active["B2"].number_format = "0000"
    book.save(path)
    assert read(path) == [("pain", "0111")]


def test_a_sheet_that_does_not_exist_is_told_with_those_that_do(tmp_path):
    path, _ = workbook(tmp_path, [["text"], ["pain"]], title="Relevés")
    with (
        pytest.raises(DataError, match=r"no sheet 'Codes'\. Its sheets: Relevés"),
        open_table(path, sheet="Codes"),
    ):
        pass


def test_an_old_workbook_and_an_archive_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"Save it as \.xlsx or CSV"):
        read(written(tmp_path, b"\xd0\xcf\x11\xe0" + bytes(100), "vieux.xls"))


def test_a_file_whose_digest_differs_is_not_parsed(tmp_path):
    path = written(tmp_path, csv_bytes(ROWS))
    with (
        pytest.raises(StorageError, match=r"is [0-9a-f]{64}, not 00"),
        open_table(path, sha256="00"),
    ):
        pass


def test_a_text_of_many_lines_is_whole_wherever_batches_are_cut(tmp_path):
    rows = [("une ligne\n" * 50, "0111")] * 20_000
    assert set(read(written(tmp_path, csv_bytes(rows)))) == {rows[0]}


def test_batches_are_bounded(tmp_path):
    content = b"text,code\n" + b"une ligne assez longue pour compter,0111\n" * 300_000
    batches = list(read_table_batches(written(tmp_path, content)))
    assert len(batches) > 2
    assert max(batch.nbytes for batch in batches) < 10_000_000
    assert json.dumps(sum(batch.num_rows for batch in batches)) == "300000"


def zipped_csv():
    rows = [(f"pain numéro {number}", "0111") for number in range(5_000)]
    return gzip.compress(csv_bytes(rows))


def workbook_bytes():
    workbook, stream = openpyxl.Workbook(), io.BytesIO()
    workbook.active.append(["text", "code"])
    for number in range(2_000):
        workbook.active.append([f"pain {number * 7919 % 1009}", "0111"])
    workbook.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("make", [zipped_csv, workbook_bytes])
@given(share=st.floats(0.02, 0.98), cut=st.booleans())
def test_a_damaged_compressed_file_is_told_in_one_sentence(tmp_path_factory, make, share, cut):
    content = bytearray(make())
    place = int(share * len(content))
    damaged = bytes(content[:place])
    if not cut:
        damaged += bytes(40) + bytes(content[place + 40 :])
    path = written(tmp_path_factory.mktemp("damaged"), damaged, "données.gz")
    if make is workbook_bytes:  # Some of its bytes tell nothing of its rows.
        with suppress(DataError):
            assert len(read(path)) == 2_000
    else:
        with pytest.raises(DataError, match="damaged"):
            read(path)


def test_bytes_that_are_no_text_are_not_taken_for_one(tmp_path):
    content = bytes((number * 37) % 256 or 1 for number in range(5_000))
    with pytest.raises(DataError, match="is not a text"):
        read(written(tmp_path, content))


def test_a_large_row_group_is_not_held_whole(tmp_path):
    path = tmp_path / "large.parquet"
    texts = pa.array([f"pain {number}" for number in range(200_000)])
    pq.write_table(pa.table({"text": texts, "code": texts}), path, row_group_size=200_000)
    before = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() for _ in read_table_batches(path)) - before
    assert peak < 20_000_000
