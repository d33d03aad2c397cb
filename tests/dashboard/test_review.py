"""Review, without a browser: who gets which text, what is handed in, what is shown of it."""

import json
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from pydantic import SecretStr

from libelle.dashboard.calling import ApiClient, ApiGoneError
from libelle.dashboard.review import Reviewing
from libelle.dashboard.review.desk import NotYoursError
from libelle.dashboard.review.items import HIDDEN_SHARE
from libelle.dashboard.review.leases import LEASE_SECONDS
from libelle.dashboard.review.waiting import agreement_of, read_waiting
from libelle.monitoring.feedback import FeedbackStore, give_feedback
from libelle.monitoring.feedback.lots import TWICE_SHARE, Lots
from tests.api.keys import ENTRIES, SECRETS
from tests.dashboard.conftest import NOW, make_settings
from tests.dashboard.html import Page
from tests.dashboard.working import (
    SCRIPT,
    api_on,
    make_review_row,
    prediction_id,
    put_reviews,
    small_model,
    verdicts_in,
)
from tests.monitoring.log_rows import put
from tests.monitoring.verdicts import make_feedback
from tests.servers import free_port

N_TEXTS = 12
KEYS = SecretStr(",".join(ENTRIES.values()))
LOOPBACK = "http://127.0.0.1:8001"


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def plain_lots(monkeypatch):
    """Let chance hide nothing and double nothing, unless a test says so."""
    monkeypatch.setattr("libelle.dashboard.review.items.HIDDEN_SHARE", 0.0)
    monkeypatch.setattr("libelle.monitoring.feedback.lots.TWICE_SHARE", 0.0)


@pytest.fixture
def api(tmp_path, model):
    put_reviews(tmp_path, N_TEXTS)
    with api_on(tmp_path, model) as address:
        yield address


@pytest.fixture
def make_desk(tmp_path, api):
    """Return what makes a desk, whose clock stands still until a test moves it."""

    def make(**settings):
        seconds = [0.0]
        desk = Reviewing(
            make_settings(tmp_path, **settings),
            api=ApiClient(api),
            clock=lambda: NOW + timedelta(seconds=1),
            monotonic=lambda: seconds[0],
        )
        desk.wait(30)
        desk.seconds = seconds
        return desk

    return make


def ids(items):
    return {one.prediction_id for one in items}


def test_two_coders_never_hold_the_same_text(make_desk):
    desk = make_desk()
    ours, theirs = desk.take("a", n_items=8), desk.take("b", n_items=8)
    assert (len(ours), len(theirs)) == (8, 4)
    assert not ids(ours) & ids(theirs)
    assert ids(desk.take("a", n_items=8)) == ids(ours)


def test_a_lease_ends_with_its_time(make_desk):
    desk = make_desk()
    ours = desk.take("a", n_items=N_TEXTS)
    assert desk.take("b") == []
    desk.seconds[0] = LEASE_SECONDS + 1
    theirs = desk.take("b", n_items=1)
    assert ids(theirs) < ids(ours)
    with pytest.raises(NotYoursError):
        desk.give("a", theirs[0].prediction_id, "0101", is_code=True)


def test_some_texts_are_judged_by_two_people_and_no_more(make_desk, monkeypatch, tmp_path):
    monkeypatch.setattr("libelle.monitoring.feedback.lots.TWICE_SHARE", 1.0)
    desk = make_desk()
    [ours] = desk.take("a")
    desk.give("a", ours.prediction_id, "0101", is_code=True)
    assert ours.prediction_id not in ids(desk.take("a", n_items=N_TEXTS))
    assert ours.prediction_id in ids(desk.take("b", n_items=N_TEXTS))
    desk.give("b", ours.prediction_id, "0102", is_code=True)
    assert ours.prediction_id not in ids(desk.take("c", n_items=N_TEXTS))
    assert len(verdicts_in(tmp_path)) == 2


def test_what_is_judged_does_not_come_back_to_another_dashboard(make_desk):
    desk = make_desk()
    for item in desk.take("a", n_items=5):
        desk.give("a", item.prediction_id, "0101", is_code=True)
    progress = desk.progress_of("a")
    assert (progress.n_given, progress.n_left) == (5, N_TEXTS - 5)
    again = make_desk()
    assert len(again.take("b", n_items=N_TEXTS)) == N_TEXTS - 5


def test_verdicts_say_whether_the_model_proposed_the_code(make_desk, tmp_path):
    desk = make_desk()
    first, second, third = desk.take("a", n_items=3)
    desk.give("a", first.prediction_id, "0301", is_code=True)
    desk.give("a", second.prediction_id, "0302", is_code=True)
    desk.give("a", third.prediction_id, "ambiguous_nomenclature", is_code=False)
    said = {row["prediction_id"]: (row["verdict"], row["code"]) for row in verdicts_in(tmp_path)}
    assert said == {
        first.prediction_id: ("confirmed", "0301"),
        second.prediction_id: ("corrected", "0302"),
        third.prediction_id: ("ambiguous_nomenclature", None),
    }


def test_another_answer_replaces_the_first_only_when_it_says_so(make_desk, tmp_path):
    desk = make_desk()
    [item] = desk.take("a")
    desk.give("a", item.prediction_id, "0101", is_code=True)
    desk.give("a", item.prediction_id, "0101", is_code=True)
    with pytest.raises(Exception, match="Another verdict of this coder stands"):
        desk.give("a", item.prediction_id, "0102", is_code=True)
    desk.give("a", item.prediction_id, "0102", is_code=True, again=True)
    first, second = sorted(verdicts_in(tmp_path), key=lambda row: row["n"])
    assert (first["code"], second["code"]) == ("0101", "0102")
    assert second["replaces"] == first["feedback_id"]
    assert desk.progress_of("a").n_given == 1


def test_a_text_put_aside_goes_to_others(make_desk):
    desk = make_desk()
    items = desk.take("a", n_items=N_TEXTS)
    desk.put_aside("a", items[0].prediction_id)
    assert items[0] not in desk.take("a", n_items=N_TEXTS)
    assert desk.take("b") == [items[0]]


def test_the_same_text_is_shown_once(tmp_path, make_desk):
    put_reviews(tmp_path / "other", 0)
    options = make_settings(tmp_path).log_options()
    put_reviews(tmp_path / "same", 6, text_hash="h")
    same = replace(options, uri=str(tmp_path / "same" / "log"))
    assert len(read_waiting(same, sheets=(), now=NOW).items) == 1


def test_texts_are_read_until_there_are_enough(tmp_path):
    put_reviews(tmp_path, 30)
    waiting = read_waiting(make_settings(tmp_path).log_options(), sheets=(), now=NOW, most=10)
    assert (len(waiting.items), waiting.is_cut) == (10, True)


def test_what_is_judged_leaves_its_room_to_what_is_not(tmp_path, make_desk):
    desk = make_desk()
    for item in desk.take("a", n_items=5):
        desk.give("a", item.prediction_id, "0101", is_code=True)
    options = make_settings(tmp_path).log_options()
    waiting = read_waiting(options, sheets=(), now=NOW, most=N_TEXTS - 5)
    assert (len(waiting.items), waiting.is_cut) == (N_TEXTS - 5, False)


def test_a_text_that_left_at_its_verdict_is_neither_asked_again_nor_missed(tmp_path):
    bare = {"text": None, "text_kind": None}
    rows = [
        make_review_row(0, **bare, text_hash="h"),
        make_review_row(1, text_hash="h"),
        make_review_row(2),
        make_review_row(3, **bare),
    ]
    put(tmp_path / "log", rows)
    options = make_settings(tmp_path).log_options()
    before = read_waiting(options, sheets=(), now=NOW)
    assert (len(before.items), before.n_without_text) == (2, 1)
    for number in (0, 3):
        verdict = make_feedback(prediction_id=prediction_id(number))
        give_feedback(FeedbackStore(options.uri), verdict)
    waiting = read_waiting(options, sheets=(), now=NOW)
    assert (ids(waiting.items), waiting.n_without_text) == ({prediction_id(2)}, 0)


def test_audited_texts_are_mixed_in_and_their_candidates_hidden(tmp_path):
    put_reviews(tmp_path, 30)
    put_reviews(tmp_path / "automatic", 1)
    sheet = tmp_path / "audit.csv"
    judged, waiting_one, gone = prediction_id(3), prediction_id(4), prediction_id(99)
    rows = [(judged, "un", "0101"), (waiting_one, "deux", ""), (gone, "trois", "")]
    lines = [",".join((name, text, code)) for name, text, code in rows]
    sheet.write_text("\n".join(["prediction_id,text,code", *lines]))
    options = make_settings(tmp_path).log_options()
    items = read_waiting(options, sheets=[str(sheet)], now=NOW).items
    by_id = {one.prediction_id: one for one in items}
    assert (by_id[waiting_one].text, by_id[waiting_one].is_hidden) == ("deux", True)
    assert (by_id[gone].text, by_id[gone].candidates) == ("trois", ())
    assert not by_id[judged].is_hidden
    assert [one.place for one in items] == sorted(one.place for one in items)


def test_chance_hides_and_doubles_what_it_should():
    lots = Lots(b"k" * 32)
    names = [prediction_id(number) for number in range(4_000)]
    for purpose, share in (("hidden", HIDDEN_SHARE), ("twice", TWICE_SHARE)):
        drawn = [lots.draw(purpose, name) < share for name in names]
        assert sum(drawn) / len(drawn) == pytest.approx(share, abs=0.02)
    assert lots.draw("hidden", names[0]) == Lots(b"k" * 32).draw("hidden", names[0])


def test_agreement_counts_texts_judged_twice():
    verdicts = pa.table(
        {
            "prediction_id": ["p", "p", "q", "q", "r"],
            "verdict": [
                "confirmed",
                "corrected",
                "ambiguous_nomenclature",
                "confirmed",
                "confirmed",
            ],
            "code": ["1", "1", None, "1", "1"],
        }
    )
    agreement = agreement_of(verdicts)
    assert (agreement.n_twice, agreement.n_alike) == (2, 1)


def test_an_api_that_is_gone_is_told_in_time(tmp_path):
    client = ApiClient(f"http://127.0.0.1:{free_port()}", deadline_seconds=1)
    with pytest.raises(ApiGoneError):
        client.get("/v1/codes", q="voirie")


@pytest.fixture
def visitor(open_dashboard, tmp_path, api):
    opened = open_dashboard(api_url=api)
    opened.desk.reviewing.wait(30)
    return opened


def field(content, name):
    return content.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_a_page_that_says_how_many_are_left_shows_one(open_dashboard, api, monkeypatch):
    """Whenever the log is read to its end, between two looks of one page."""
    from libelle.dashboard.watching import Look

    for n_looks in range(5):
        opened = open_dashboard(api_url=api)
        read = opened.desk.reviewing.wait(30)
        looks = iter([Look()] * n_looks)
        monkeypatch.setattr(
            opened.desk.reviewing, "look", lambda looks=looks, read=read: next(looks, read)
        )
        page = opened.page("review", "en")
        assert ("judged by you" in page) <= bool(field(page, "prediction_id")), n_looks


def test_the_page_works_by_forms_alone(visitor, tmp_path):
    page = visitor.page("review")
    shown = field(page, "prediction_id")
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    asked = {"prediction_id": shown, "q": "cartes"}
    assert "Cartes d&#39;identité" in visitor.post("review", data=asked).text
    kept = visitor.post("review", data={"prediction_id": shown, "code": "0302"})
    assert kept.status_code == 303
    after = visitor.get("/" + kept.headers["location"]).text
    assert "Avis enregistré" in after
    assert field(after, "prediction_id") != shown
    assert field(visitor.page(f"review?again={shown}"), "prediction_id") == shown
    [row] = verdicts_in(tmp_path)
    assert (row["prediction_id"], row["code"]) == (shown, "0302")


def test_a_hidden_text_says_nothing_of_its_candidates_until_it_is_answered(
    open_dashboard, api, monkeypatch
):
    monkeypatch.setattr("libelle.dashboard.review.items.HIDDEN_SHARE", 1.0)
    visitor = open_dashboard(api_url=api)
    visitor.desk.reviewing.wait(30)
    page = visitor.page("review")
    assert "0101" not in page
    assert "50" not in Page(page).words.replace(field(page, "prediction_id"), "")
    lent = visitor.post("review/items", data={}).json()
    assert all(one["candidates"] == [] for one in lent["items"])
    answered = {"prediction_id": field(page, "prediction_id"), "code": "0202"}
    told = visitor.post("review/verdicts", data=answered).json()
    assert "le modèle proposait 0101" in told["said"]


def test_the_page_says_that_the_api_is_gone_and_keeps_the_text(open_dashboard, tmp_path):
    put_reviews(tmp_path, 2)
    visitor = open_dashboard(api_url=f"http://127.0.0.1:{free_port()}")
    visitor.desk.reviewing.wait(30)
    shown = field(visitor.page("review"), "prediction_id")
    answer = visitor.post("review", data={"prediction_id": shown, "code": "0101"})
    assert answer.status_code == 503
    assert "L’API ne répond pas" in answer.text
    assert field(answer.text, "prediction_id") == shown


def test_without_texts_the_page_says_how_to_have_them_kept(open_dashboard, tmp_path):
    put_reviews(tmp_path, 3, text=None)
    visitor = open_dashboard()
    visitor.desk.reviewing.wait(30)
    page = visitor.page("review")
    assert "LIBELLE_TEXT_POLICY=review" in page
    assert "Aucun libellé n’est gardé" in page


def test_a_write_takes_the_scope_and_the_token(open_dashboard, tmp_path, model):
    put_reviews(tmp_path, 2)
    listed = {"auth": "keys", "api_keys": KEYS}
    with api_on(tmp_path, model, **listed) as address:
        key = SecretStr(SECRETS["all"])
        visitor = open_dashboard(api_url=address, api_key=key, base=LOOPBACK, **listed)
        visitor.desk.reviewing.wait(30)
        visitor.post("login", data={"key": SECRETS["read"]})
        assert visitor.get("review").status_code == 403
        assert visitor.post("review/items").status_code == 403
        assert 'href="review"' not in visitor.page("")
        visitor.post("logout", data={"csrf_token": field(visitor.page(""), "csrf_token")})
        visitor.post("login", data={"key": SECRETS["all"]})
        page = visitor.page("review")
        answer = {"prediction_id": field(page, "prediction_id"), "code": "0101"}
        assert visitor.post("review", data=answer).status_code == 403
        answer["csrf_token"] = field(page, "csrf_token")
        assert visitor.post("review", data=answer).status_code == 303
    assert len(verdicts_in(tmp_path)) == 1


def test_each_coder_has_a_pseudonym_of_their_own(visitor, tmp_path):
    first = field(visitor.page("review"), "prediction_id")
    visitor.post("review", data={"prediction_id": first, "code": "0101"})
    name = visitor.desk.reviewing
    assert "anonymous-" in visitor.page("review")
    assert "anonymous-" not in json.dumps(verdicts_in(tmp_path), default=str)
    assert name.progress_of("somebody else").n_given == 0
