"""Every page, with no row, one row and many: what it says, and what it never does."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from libelle.dashboard import AuditSeen, CodeFeedback, DriftSeen, DriftTable, Parts
from libelle.dashboard.journal import JournalView
from libelle.dashboard.model_view import ModelFacts
from libelle.dashboard.surroundings import POLICY
from libelle.dashboard.views.today import format_duration
from libelle.dashboard.words import Say
from tests.dashboard.conftest import NOW, PAGES
from tests.dashboard.html import Page
from tests.monitoring.log_rows import make_row, put

SCRIPT = "<script>alert(1)</script>"
STRANGE = re.compile(r"\bNone\b|\bnan\b|built-in|Undefined|Markup|\{\w*\}|<bound|object at")
CURVE = tuple({"threshold": 1 - n / 40, "coverage": n / 20, "error": n / 400} for n in range(1, 20))
THRESHOLD = {
    "id": "t1",
    "target_error": 0.05,
    "delta": 0.05,
    "status": "guaranteed",
    "threshold": 0.7,
    "bound": 0.0497,
    "coverage": 0.7,
    "n_errors": 31,
    "n_automatic": 900,
    "n_texts": 1300,
}
FACTS = ModelFacts(
    "demarches", "e" * 64, (THRESHOLD,), CURVE, {"0100": f"Voirie {SCRIPT}", "0101": "Crèches"}
)
AUDIT = AuditSeen(
    status="in_doubt",
    model_digest="e" * 64,
    threshold_id="t1",
    target_error=0.05,
    delta=0.05,
    n_judged=400,
    n_wrong=14,
    error_rate=0.035,
    low=0.019,
    high=0.058,
    n_more_texts=250,
    until=NOW,
    review_accuracy=0.61,
    review_low=0.55,
    review_high=0.67,
    n_review_judged=210,
    n_review_wrong=82,
)
DRIFT = DriftSeen(
    severity="high",
    sentences=(
        ("high", (f"« Urbanisme {SCRIPT} » a doublé depuis mars.", "“Planning” doubled.")),
        ("low", ("Les libellés sont plus longs.", "Texts are longer.")),
    ),
    expectation=("On attend 82 % de justes.", "82% are expected to be right."),
    reference=("apprentissage", "training"),
    current=("du 20 février au 19 mars", "from 20 February to 19 March"),
    tables=(
        DriftTable(
            ("Urbanisme", "Planning"),
            (("semaine", "week"), ("part", "share")),
            (
                (("09/03", "2026-03-09"), ("4 %", "4%")),
                (("16/03", "2026-03-16"), ("8 %", "8%")),
            ),
            (
                ("2026-03-09", f"Permis {SCRIPT}", 0.04),
                ("2026-03-09", "Plan", 0.02),
                ("2026-03-16", f"Permis {SCRIPT}", 0.08),
                ("2026-03-16", "Plan", 0.01),
            ),
        ),
        DriftTable(
            ("Mots", "Words"),
            (("mot", "word"), ("part", "share")),
            ((("borne", "borne"), ("2 %", "2%")),),
            note=("Rien n’est testé.", "Nothing is tested."),
        ),
    ),
    notes=(("Peu de libellés.", "Few texts."),),
    measured_at=NOW,
)
PARTS = Parts(AUDIT, DRIFT, {"0100": CodeFeedback(12, 3)})


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_page_shows_every_log(open_dashboard, any_log, lang):
    visitor = open_dashboard(any_log)
    for path in PAGES:
        page = Page(visitor.page(path, lang))
        assert not STRANGE.search(page.words), path


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_page_shows_what_was_measured(open_dashboard, weeks, lang):
    visitor = open_dashboard(weeks, parts=PARTS, facts=FACTS)
    for path in (*PAGES, "today?day=2026-03-14", "codes?q=voirie&sort=title&order=down"):
        content = visitor.page(path, lang)
        assert not STRANGE.search(Page(content).words), path
        assert SCRIPT not in content
    assert "&lt;script&gt;" in visitor.page("codes")
    assert "&lt;script&gt;" in visitor.page("drift")


def test_an_empty_log_says_no_data_yet_and_no_zero(open_dashboard):
    visitor = open_dashboard()
    for path in ("", "today"):
        words = Page(visitor.page(path)).words
        assert "Pas encore de données" in words
        assert "0 %" not in words.replace("\u202f", " ")


def test_without_a_log_the_setting_is_named(open_dashboard):
    assert "LIBELLE_LOG_URI" in open_dashboard(log_uri=None).page("")


def test_what_nobody_measured_is_said(open_dashboard, weeks):
    visitor = open_dashboard(weeks)
    assert "pas encore vérifié" in visitor.page("")
    assert "Pas encore mesuré" in visitor.page("")
    assert "l’erreur réelle n’est pas connue" in visitor.page("guarantee")
    assert "n’a pas encore été mesuré" in visitor.page("drift")
    assert "Corrections : pas encore mesurées" in Page(visitor.page("codes")).words.replace(
        "\u00a0", " "
    )


def test_what_is_being_measured_is_said(open_dashboard, weeks):
    visitor = open_dashboard(weeks, parts=Parts(is_measuring=True))
    for path in ("", "drift"):
        assert "Mesure en cours" in visitor.page(path)
        assert "Pas encore mesuré" not in visitor.page(path)


def test_a_table_of_drift_is_written_in_the_language_of_the_page(open_dashboard, weeks):
    visitor = open_dashboard(weeks, parts=PARTS)
    french, english = (Page(visitor.page("drift", lang)).words for lang in ("fr", "en"))
    assert "09/03" in french
    assert "4 %" in french
    assert "Rien n’est testé." in french
    assert "09/03" not in english
    assert "4 %" not in english
    assert "Plan: 2.0% → 1.0%." in english
    assert "Permis" in english


def test_codes_of_the_log_have_their_titles_until_drift_is_measured(open_dashboard, weeks):
    untested = "Codes whose share changed most"
    facts = replace(FACTS, titles={f"{n:04d}": f"Title {n}" for n in range(1000)})
    content = open_dashboard(weeks, facts=facts).page("drift", "en")
    assert untested in content
    assert len(re.findall(r">0(\d{3}) Title \1<", content)) > 3
    assert untested not in open_dashboard(weeks, parts=PARTS, facts=FACTS).page("drift", "en")


def test_the_first_page_tells_the_hours_and_the_error(open_dashboard, weeks):
    visitor = open_dashboard(weeks, parts=PARTS, review_seconds=3600)
    words = Page(visitor.page("", "en")).words
    snapshot = visitor.desk.view().snapshot
    counts = snapshot.total(NOW.date() - timedelta(days=27), NOW.date())
    assert f"{counts.decisions()['automatic']:,} hours" in words
    assert "3.5% of the automatic codes are wrong (between 1.9% and 5.8%)" in words
    assert "Have 250 more texts checked" in words
    assert "Look at what changed" in words


@pytest.mark.parametrize(
    ("status", "said"), [("broken", "Suspend automatic coding"), ("holds", "Nothing to do")]
)
def test_a_verdict_says_what_to_do(open_dashboard, weeks, status, said):
    audit = AuditSeen(**{**vars(AUDIT), "status": status})
    assert said in open_dashboard(weeks, parts=Parts(audit)).page("", "en")


@pytest.mark.parametrize(
    ("lang", "on_broken", "said"),
    [
        ("fr", "warn", "et ne suspend rien (LIBELLE_ON_BROKEN=warn)"),
        ("fr", "suspend", "une promesse rompue suspend le codage automatique"),
        ("en", "warn", "and suspends nothing (LIBELLE_ON_BROKEN=warn)"),
        ("en", "suspend", "a broken promise suspends automatic coding"),
    ],
)
def test_a_published_verdict_tells_what_the_api_does(open_dashboard, lang, on_broken, said):
    published, kept = (Parts(replace(AUDIT, published=one)) for one in (True, False))
    told = open_dashboard(parts=published, on_broken=on_broken).page("guarantee", lang)
    assert said in Page(told).words
    assert "LIBELLE_ON_BROKEN" not in open_dashboard(parts=kept).page("guarantee", lang)


def test_today_counts_what_the_log_holds(open_dashboard, tmp_path):
    rows = [make_row(received_at=NOW) for _ in range(1234)]
    refused = make_row(received_at=NOW, decision="refused", reason="empty", top_code=None)
    put(tmp_path / "log", [*rows, refused])
    words = Page(open_dashboard().page("today", "en")).words
    assert "1,235" in words
    assert "empty : 1" in words


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        ("2026-03-14", "2026-03-14"),
        ("0001-01-01", "2025-12-17"),
        *[(day, "2026-03-19") for day in ("x", "", "2999-01-01", "2026-02-31")],
    ],
)
def test_any_day_may_be_asked(open_dashboard, weeks, day, shown):
    content = open_dashboard(weeks).page(f"today?day={day}", "en")
    assert f"Activity of {shown}" in content


def test_codes_are_sorted_and_searched_by_links(open_dashboard, weeks):
    visitor = open_dashboard(weeks, facts=FACTS)
    by_code = re.findall(r"<code>(\d{4})</code>", visitor.page("codes?sort=code"))
    assert by_code == sorted(by_code)
    down = re.findall(r"<code>(\d{4})</code>", visitor.page("codes?sort=code&order=down"))
    assert down == by_code[::-1]
    assert re.findall(r"<code>(\d{4})</code>", visitor.page("codes?q=CRECHE")) == ["0101"]
    assert "No code matches" in visitor.page("codes?q=zzz", "en")
    assert 'aria-sort="descending"' in visitor.page("codes")


@pytest.mark.parametrize("query", ["page=-3", "page=99999", "page=x", "sort=x", "order=x", "q=%00"])
def test_odd_queries_are_no_failure(open_dashboard, weeks, query):
    open_dashboard(weeks).page(f"codes?{query}")


def test_a_log_out_of_reach_is_said(open_dashboard, tmp_path):
    changes = {
        "log_uri": "s3://nowhere/log",
        "aws_endpoint_url": "http://127.0.0.1:9",
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
    }
    visitor = open_dashboard(tmp_path, **changes)
    for path in ("", "today", "drift", "codes"):
        assert "hors d’atteinte" in visitor.page(path)


def test_what_was_read_before_is_shown_when_the_log_is_gone(open_dashboard, weeks):
    visitor = open_dashboard(weeks)
    view = visitor.desk.view()
    lost = JournalView(True, view.snapshot, view.read_at, "no_answer")
    visitor.desk.journal.view = lambda: lost
    content = visitor.page("", "en")
    assert "out of reach" in content
    assert "coded automatically" in content
    assert "Bring the log back within reach" in content


def test_counting_goes_on_while_pages_are_shown(open_dashboard):
    visitor = open_dashboard()
    visitor.desk.journal.view = lambda: JournalView(True, n_done=12, n_days=60)
    assert "12 days read of 60" in visitor.page("", "en")


def test_a_registry_out_of_reach_is_said(open_dashboard, weeks):
    visitor = open_dashboard(
        weeks, model="models:/demo@champion", mlflow_tracking_uri="http://127.0.0.1:9"
    )
    visitor.page("models")
    visitor.desk.models._watched.wait(60)
    assert "hors d’atteinte" in visitor.page("models")


def test_the_registry_of_nobody_is_said(open_dashboard, weeks, tmp_path):
    visitor = open_dashboard(
        weeks, model="models:/demo@champion", mlflow_tracking_uri=f"sqlite:///{tmp_path}/no.db"
    )
    visitor.page("models")
    visitor.desk.models._watched.wait(60)
    assert "models:/demo@champion" in visitor.page("models")


@pytest.mark.parametrize("path", [*PAGES, "login", "nowhere", "static/style.css", "a/b/c"])
def test_every_answer_has_the_policy(open_dashboard, path):
    answer = open_dashboard().get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    kept = path.startswith("static/")
    assert answer.headers["cache-control"] == ("max-age=600" if kept else "no-store")


def test_a_page_that_fails_says_so_and_quotes_nothing(open_dashboard, weeks, caplog):
    visitor = open_dashboard(weeks)
    visitor.desk.models.view = lambda: 1 / int("a text to code")
    answer = visitor.get("guarantee")
    assert answer.status_code == 500
    assert "n’a pas pu être faite" in answer.text
    assert "a text to code" not in answer.text + "".join(
        record.getMessage() for record in caplog.records
    ).replace('int("a text to code")', "")
    assert answer.headers["content-security-policy"] == POLICY


def test_days_of_the_far_past_are_left_alone(open_dashboard, tmp_path):
    old = NOW - timedelta(days=200)
    put(tmp_path / "log", [make_row(received_at=old), make_row(received_at=NOW)])
    visitor = open_dashboard()
    assert visitor.desk.view().snapshot.total(date.min, date.max).n_rows == 1


@pytest.mark.parametrize("path", [*PAGES, "no-such-page"])
def test_every_page_says_when_requests_are_made_up(open_dashboard, weeks, path):
    for made_up in (True, False):
        visitor = open_dashboard(weeks, made_up=made_up)
        words = Page(visitor.get(f"{path}?lang=en").text).words
        assert ("A program made these requests up" in words) is made_up


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.000_02, "0.1 ms"), (0.0042, "4.2 ms"), (0.012, "12 ms"), (1.5, "1.5 s"), (None, "–")],
)
def test_no_answer_takes_no_time(seconds, said):
    assert format_duration(seconds, Say("en")).replace("\N{NO-BREAK SPACE}", " ") == said
