"""Feedback: one verdict of a coder stands on a prediction, whoever gives one at the same time."""

import errno
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import DataError, StorageError
from libelle.monitoring.feedback import (
    Feedback,
    FeedbackConflictError,
    FeedbackSource,
    FeedbackStore,
    FeedbackVerdict,
    give_feedback,
)
from libelle.monitoring.feedback.rows import read_row
from libelle.monitoring.feedback.store import folder_of, read_place
from libelle.monitoring.privacy import Pseudonyms
from libelle.storage import StorageOptions, open_filesystem
from tests.monitoring.predictions import KEY, NOON
from tests.monitoring.verdicts import (
    AMBIGUOUS,
    CONFIRMED,
    CORRECTED,
    OTHER,
    PREDICTION,
    UNSURE,
    make_feedback,
)
from tests.servers import moto


@pytest.fixture(scope="module")
def s3():
    with moto() as (endpoint, process):
        options = StorageOptions(
            endpoint_url=endpoint,
            access_key_id="key",
            secret_access_key="geheim",
            region="eu-west-3",
            deadline_seconds=10,
        )
        open_filesystem("s3://bucket", options)[0].mkdir("bucket")
        yield options, process


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    if request.param == "local":
        return FeedbackStore(str(tmp_path / "log"))
    options, _ = request.getfixturevalue("s3")
    return FeedbackStore(f"s3://bucket/{tmp_path.name}", options)


def objects_of(store):
    return sorted(place.name for place in store.list_all().places)


def test_a_verdict_is_one_object_under_the_identifier_of_its_prediction(store):
    kept = give_feedback(store, make_feedback()).feedback
    assert objects_of(store) == [f"feedback/94/{PREDICTION}/{kept.coder}-0.json"]
    [place] = store.places_of(PREDICTION)
    assert store.read(place) == kept
    assert (kept.verdict, kept.code, kept.given_at, kept.replaces) == (
        CONFIRMED,
        "0111",
        NOON,
        None,
    )


def test_the_same_again_is_there_already(store):
    first = give_feedback(store, make_feedback())
    again = give_feedback(store, make_feedback(given_at=NOON + timedelta(days=1)))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.feedback == first.feedback
    assert len(objects_of(store)) == 1


def test_another_one_has_to_name_the_one_that_stands(store):
    first = give_feedback(store, make_feedback()).feedback
    for replaces in (None, "0" * 32):
        with pytest.raises(FeedbackConflictError, match=first.feedback_id) as conflict:
            give_feedback(store, make_feedback(verdict=UNSURE, replaces=replaces))
        assert conflict.value.feedback_id == first.feedback_id
    assert len(objects_of(store)) == 1


def test_a_verdict_is_corrected_then_undone_and_all_rows_stay(store):
    first = give_feedback(store, make_feedback()).feedback
    corrected = make_feedback(verdict=CORRECTED, code="0112", replaces=first.feedback_id)
    second = give_feedback(store, corrected)
    assert give_feedback(store, corrected) == (second.feedback, False)  # Its answer was lost.
    undone = give_feedback(store, make_feedback(replaces=second.feedback.feedback_id))
    assert undone.is_new
    rows = sorted((store.read(one) for one in store.places_of(PREDICTION)), key=lambda row: row.n)
    assert rows == [first, second.feedback, undone.feedback]
    assert [row.replaces for row in rows] == [None, *(row.feedback_id for row in rows[:2])]
    assert len({row.feedback_id for row in rows}) == 3


def test_a_late_retry_does_not_undo_a_correction(store):
    first = give_feedback(store, make_feedback()).feedback
    give_feedback(store, make_feedback(verdict=AMBIGUOUS, replaces=first.feedback_id))
    with pytest.raises(FeedbackConflictError):
        give_feedback(store, make_feedback())


def test_two_coders_may_each_give_one(store):
    ada, bob = (
        give_feedback(store, make_feedback(coder, verdict=verdict))
        for coder, verdict in (("ada", CONFIRMED), ("bob", UNSURE))
    )
    assert (ada.is_new, bob.is_new) == (True, True)
    assert ada.feedback.feedback_id != bob.feedback.feedback_id
    with pytest.raises(FeedbackConflictError, match=bob.feedback.feedback_id):
        give_feedback(store, make_feedback("bob", replaces=ada.feedback.feedback_id))


def test_what_replaces_nothing_is_a_conflict(store):
    with pytest.raises(FeedbackConflictError, match="without `replaces`") as conflict:
        give_feedback(store, make_feedback(replaces="0" * 32))
    assert conflict.value.feedback_id is None
    assert objects_of(store) == []


def test_a_place_that_is_taken_is_never_written_again(store):
    row = make_feedback().to_row(0)
    assert store.add(row)
    assert not store.add(make_feedback(verdict=UNSURE).to_row(0))
    [place] = store.places_of(PREDICTION)
    assert store.read(place) == row


def test_a_server_without_conditions_still_keeps_the_first(tmp_path, monkeypatch):
    store = FeedbackStore(f"memory://{tmp_path.name}")
    real = type(store._filesystem).pipe_file

    def pipe_file(self, path, value, mode="overwrite", **options):
        if mode == "create":
            raise OSError(errno.EINVAL, "unknown header")
        return real(self, path, value, **options)

    monkeypatch.setattr(type(store._filesystem), "pipe_file", pipe_file)
    first = give_feedback(store, make_feedback())
    assert first.is_new
    assert not store.add(make_feedback(verdict=UNSURE).to_row(0))
    assert give_feedback(store, make_feedback()) == (first.feedback, False)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_disk_without_links_still_keeps_the_first(tmp_path, monkeypatch, number):
    def link(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    store = FeedbackStore(str(tmp_path))
    assert give_feedback(store, make_feedback()).is_new
    assert not store.add(make_feedback(verdict=UNSURE).to_row(0))
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".json"]


RACE = """
import sys, time
from libelle.monitoring.feedback import FeedbackConflictError, FeedbackStore, give_feedback
from libelle.storage import StorageOptions
from tests.monitoring.verdicts import make_feedback
uri, endpoint, code = sys.argv[1:4]
options = StorageOptions(endpoint_url=endpoint or None, access_key_id="key",
    secret_access_key="geheim", region="eu-west-3", deadline_seconds=20)
store = FeedbackStore(uri, options)
store.places_of("947a95bd-00c1-877f-975c-b6ee3ca22e8e")
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[4])):
    prediction_id = f"947a95bd-00c1-877f-975c-{n:012x}"
    try:
        kept = give_feedback(store, make_feedback(prediction_id=prediction_id, code=code))
        print(kept.feedback.code, kept.feedback.feedback_id, int(kept.is_new))
    except FeedbackConflictError as error:
        print("conflict", error.feedback_id, 0)
"""


@pytest.mark.parametrize(("codes", "n_rounds"), [(("0111", "0112"), 100), (("0111", "0111"), 100)])
def test_of_two_processes_exactly_one_wins_each_verdict(tmp_path, codes, n_rounds):
    seen = race(str(tmp_path / "log"), "", codes, n_rounds)
    assert_one_winner_each(seen, is_same=codes[0] == codes[1])


@pytest.mark.parametrize("codes", [("0111", "0112"), ("0111", "0111")])
def test_of_two_pods_exactly_one_wins_each_verdict_on_s3(tmp_path, s3, codes):
    seen = race(f"s3://bucket/{tmp_path.name}", s3[0].endpoint_url, codes, 10)
    assert_one_winner_each(seen, is_same=codes[0] == codes[1])


def race(uri, endpoint, codes, n_rounds):
    """Let two processes give verdicts on the same predictions; return what each was told."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racing = [
        subprocess.Popen([sys.executable, "-c", RACE, uri, endpoint, code, str(n_rounds)], **pipes)
        for code in codes
    ]
    for process in racing:
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].splitlines() for process in racing]
    return [tuple(line.split() for line in lines) for lines in zip(*told, strict=True)]


def assert_one_winner_each(seen, *, is_same):
    assert seen
    for outcomes in seen:
        assert sum(int(is_new) for _, _, is_new in outcomes) == 1
        assert len({feedback_id for _, feedback_id, _ in outcomes}) == 1
        assert [said for said, _, _ in outcomes].count("conflict") == (0 if is_same else 1)


def test_a_server_that_hangs_is_left_alone(s3, tmp_path):
    options, process = s3
    hurried = StorageOptions(**{**vars(options), "deadline_seconds": 1.0})
    store = FeedbackStore(f"s3://bucket/{tmp_path.name}", hurried)
    process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        with pytest.raises(StorageError, match="no answer within the deadline"):
            give_feedback(store, make_feedback())
        assert time.monotonic() - begun < 8
    finally:
        process.send_signal(signal.SIGCONT)
    assert give_feedback(store, make_feedback()).feedback.verdict is CONFIRMED


def test_a_place_out_of_reach_is_told(tmp_path):
    (tmp_path / "log").write_text("a file")
    with pytest.raises(StorageError, match="out of reach"):
        give_feedback(FeedbackStore(str(tmp_path / "log")), make_feedback())


def test_a_damaged_verdict_keeps_nobody_from_giving_one(tmp_path):
    store = FeedbackStore(str(tmp_path))
    first = give_feedback(store, make_feedback()).feedback
    [place] = store.places_of(PREDICTION)
    (tmp_path / place.name).write_bytes(first.to_bytes()[:-20])
    kept = give_feedback(store, make_feedback(verdict=UNSURE))
    assert (kept.is_new, kept.feedback.n) == (True, 1)


def test_a_verdict_under_the_name_of_another_one_is_refused(tmp_path):
    store = FeedbackStore(str(tmp_path))
    row = give_feedback(store, make_feedback()).feedback
    name = f"{folder_of(OTHER)}/{row.coder}-0.json"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(row.to_bytes())
    with pytest.raises(DataError, match="another verdict than its name says"):
        store.read(read_place(name))


CODES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=30)


@st.composite
def rows(draw) -> Feedback:
    verdict = draw(st.sampled_from(FeedbackVerdict))
    replaces = draw(st.none() | st.from_regex("^[0-9a-f]{32}$", fullmatch=True))
    return make_feedback(
        draw(st.text(max_size=9)),
        verdict,
        draw(CODES),
        source=draw(st.sampled_from(FeedbackSource)),
        given_at=draw(
            st.datetimes(datetime(1971, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))
        ),
        replaces=replaces,
    ).to_row(draw(st.integers(0, 10**9 - 1)))


@given(rows())
def test_what_is_kept_is_read_back(row):
    assert read_row(row.to_bytes()) == row


@given(row=rows(), at=st.integers(0, 500), byte=st.integers(0, 255))
def test_damage_is_refused_or_is_another_sound_verdict(row, at, byte):
    content = bytearray(row.to_bytes())
    content[at % len(content)] = byte
    try:
        read = read_row(bytes(content))
    except DataError:
        return
    assert read_row(read.to_bytes()) == read
    assert read.verdict.names_code == (read.code is not None)


@pytest.mark.parametrize("year", ["0001", "9999", "1969"])
def test_a_row_of_an_impossible_time_is_refused(year):
    content = make_feedback().to_row(0).to_bytes()
    with pytest.raises(DataError, match="damaged"):
        read_row(content.replace(b'"2026-', f'"{year}-'.encode()))


def test_a_row_of_a_later_version_is_refused_and_an_unknown_field_is_not():
    content = make_feedback().to_row(0).to_bytes()
    later = content.replace(b'"schema_version":1', b'"schema_version":2')
    with pytest.raises(DataError, match="it has version 2, this libelle reads 1"):
        read_row(later)
    assert read_row(content[:-1] + b',"mood":"sure"}') == read_row(content)


@given(st.text() | st.from_regex("feedback/../[0-9a-f-]{36}/[0-9a-f]{32}-[0-9]+.json"))
def test_only_the_name_of_a_verdict_is_one(name):
    place = read_place(name)
    assert place is None or place.name == name


@pytest.mark.parametrize(
    "name",
    [
        f"feedback/94/{PREDICTION}/{'a' * 32}-01.json",
        f"feedback/95/{PREDICTION}/{'a' * 32}-0.json",
        f"feedback/94/{PREDICTION}/{'a' * 32}-0.json\n",
        f"feedback/94/{PREDICTION.upper()}/{'a' * 32}-0.json",
        f"feedback/94/../94/{PREDICTION}/{'a' * 32}-0.json",
        f"94/{PREDICTION}/{'a' * 32}-0.json",
    ],
)
def test_a_name_that_is_almost_one_is_none(name):
    assert read_place(name) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"verdict": CONFIRMED, "code": None}, "confirmed needs the right code"),
        ({"verdict": CORRECTED, "code": ""}, "corrected needs the right code"),
        ({"verdict": UNSURE, "code": "0111"}, "goes without a code"),
        ({"code": "0" * 257}, "256 characters at most"),
        ({"code": "\ud800"}, "characters that no code has"),
        ({"prediction_id": "../../etc/passwd"}, "not one that libelle gives"),
        ({"prediction_id": PREDICTION + "\n"}, "not one that libelle gives"),
        ({"coder": "ada"}, "not a pseudonym"),
    ],
)
def test_what_is_no_verdict_is_refused(changes, complaint):
    values = {"prediction_id": PREDICTION, **changes}
    row = make_feedback()
    with pytest.raises(DataError, match=complaint):
        type(row)(**{**vars(row), **values})


def test_a_coder_is_nowhere_in_clear_and_differs_with_the_key(tmp_path):
    store = FeedbackStore(str(tmp_path))
    give_feedback(store, make_feedback("Zeltanguy"))
    written = [(path.name, path.read_text()) for path in tmp_path.rglob("*.json")]
    assert written
    assert "Zeltanguy" not in str(written)
    ours, theirs = Pseudonyms(KEY), Pseudonyms(KEY + b"!")
    assert ours.of_coder("ada") not in (theirs.of_coder("ada"), ours.of_client("ada"))


def test_giving_a_verdict_takes_no_arrow():
    code = (
        "import sys, tempfile\n"
        "from libelle.monitoring.feedback import FeedbackStore, give_feedback\n"
        "from tests.monitoring.verdicts import make_feedback\n"
        "give_feedback(FeedbackStore(tempfile.mkdtemp()), make_feedback())\n"
        "assert not {'pyarrow', 's3fs', 'pandas', 'sklearn', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
