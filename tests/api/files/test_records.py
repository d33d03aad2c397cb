"""Records are the same, however the file was cut in parts."""

import csv
import io
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.files.records import RecordCutter

PIECES = st.sampled_from(
    [b"a", b'"', b'""', b"\n", b"\r\n", b",", b"bb", b" ", "é".encode(), b'"x\ny"']
)
FILES = st.lists(PIECES, max_size=40).map(b"".join)


def cut(parts, *, quoted=True, max_bytes=1_000):
    cutter = RecordCutter(quoted=quoted, blank=b"\r", max_bytes=max_bytes)
    return [record for part in parts for record in cutter.feed(part)] + cutter.finish()


def split(content, places):
    bounds = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:stop] for start, stop in pairwise(bounds)]


@given(
    content=FILES,
    places=st.lists(st.integers(0, 1_000)),
    quoted=st.booleans(),
    max_bytes=st.sampled_from([3, 8, 1_000]),
)
def test_parts_change_nothing(content, places, quoted, max_bytes):
    whole = cut([content], quoted=quoted, max_bytes=max_bytes)
    assert cut(split(content, places), quoted=quoted, max_bytes=max_bytes) == whole
    assert cut([bytes([byte]) for byte in content], quoted=quoted, max_bytes=max_bytes) == whole


CELLS = st.text(st.sampled_from('ab,;"\n\r é'), min_size=1, max_size=6)


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=10))
def test_a_record_is_what_a_csv_writer_wrote_as_one(rows):
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    records = cut([written.getvalue().encode()])
    assert [next(csv.reader([record.decode()])) for record in records] == rows


def test_a_record_that_is_too_long_is_not_kept():
    cutter = RecordCutter(quoted=False, blank=b"\r", max_bytes=10)
    assert cutter.feed(b"short\n" + b"a" * 8) == [b"short"]
    for _ in range(100):
        assert cutter.feed(b"a" * 8) == []
    assert cutter.too_long
    assert len(cutter._begun) == 0
    assert cutter.feed(b"\nnext\n" + b"b" * 11 + b"\nlast") == [None, b"next", None]
    assert cutter.finish() == [b"last"]


def test_blank_lines_are_no_records():
    assert cut([b"\n\r\na\n\n", b"\r", b"\nb"]) == [b"a", b"b"]
