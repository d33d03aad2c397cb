"""What the report on drift promises: one file, no script, no network, nothing unescaped."""

import html
import re
import shutil
import string
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from libelle.data.nomenclature import Nomenclature
from libelle.monitoring.drift import count_codes_by_week, count_weeks, study_drift
from libelle.monitoring.drift.severity import SIZES, Severity
from libelle.monitoring.drift.windows import Window
from libelle.reports import render_drift_digest, render_drift_report
from libelle.reports.drift_words import ENGLISH, FRENCH
from tests.evaluated import MARK
from tests.monitoring.rows import CODES, FIRST_DAY, make_log
from tests.reports.test_evaluation_report import read

NOW = datetime(2026, 4, 2, 3, 4, tzinfo=UTC)
MODEL = {"name": f"demo {MARK}", "digest": "d" * 64}
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def nomenclature():
    titles = [f"Titre {code} {MARK}" for code in CODES]
    return Nomenclature.from_rows(CODES.tolist(), titles, [None] * len(CODES))


@pytest.fixture(scope="module")
def found(nomenclature):
    """Return a study in which much changed, with words and weeks."""
    generator = np.random.default_rng(0)
    earlier = make_log(1500, generator)
    current = make_log(
        1500,
        generator,
        first_day=FIRST_DAY + timedelta(weeks=2),
        shares=np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.4]),
        refused=0.2,
    )
    profile = Window.of(earlier).profile
    reference = replace(profile, right=profile.confidences)
    study = study_drift(current, reference=reference, earlier=earlier, nomenclature=nomenclature)
    shares = count_codes_by_week(current, study.codes, nomenclature=nomenclature)
    return study.to_dict(), count_weeks(current), shares


def render(found, lang="fr", **changes):
    study, weeks, shares = found
    return render_drift_report(
        study | changes, model=MODEL, weeks=weeks, codes_by_week=shares, lang=lang, now=NOW
    )


@pytest.fixture(scope="module")
def page(found):
    return render(found)


def test_a_page_needs_no_script_and_no_network(page):
    reader = read(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert not [
        name for name, _ in reader.attributes if name in ("src", "href") or name[:2] == "on"
    ]
    assert "default-src 'none'" in page
    assert reader.tags.count("svg") == 5


def test_names_and_titles_are_escaped(page):
    assert MARK not in page
    assert page.count("&lt;script&gt;") >= 3


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_severity_and_every_sentence_come_first(found, lang):
    study = found[0]
    words = FRENCH if lang == "fr" else ENGLISH
    text = " ".join("".join(read(render(found, lang)).text).split())
    sentences = [words[f"severity_{study['severity']}"], *study["sentences"][lang]]
    places = [text.index(" ".join(sentence.split())) for sentence in sentences]
    assert places == sorted(places)
    assert places[-1] < text.index(words["compared"])
    assert "None" not in text


def test_days_are_written_as_the_reader_writes_them(found):
    assert "libellés du 16 mars 2026 au 22 mars 2026" in render(found)
    assert "texts from 16 March 2026 to 22 March 2026" in render(found, "en")


@pytest.mark.parametrize("severity", Severity)
def test_each_severity_has_its_colour_and_says_what_to_do(found, severity):
    page = render(found, severity=severity.value)
    assert FRENCH[f"todo_{severity.value}"] in page.replace("&#39;", "'")
    tones = {"none": "held", "high": "broken"}
    assert f'class="headline {tones.get(severity.value, "unclear")}"' in page


def test_a_study_that_found_nothing_has_no_table_of_nothing(found):
    nothing = {"codes": [], "words": [], "findings": [], "notes": ["too_few_texts"]}
    page = render(found, **nothing)
    assert FRENCH["no_codes"] in page
    assert FRENCH["note_too_few_texts"] in page
    assert FRENCH["table_sizes"] not in page
    assert FRENCH["table_words"] not in page


def test_a_digest_is_plain_text_with_the_sentences_and_what_to_do(found):
    study = found[0]
    digest = render_drift_digest(study, model=MODEL, lang="fr")
    assert digest.startswith("Dérive du modèle demo")
    for sentence in study["sentences"]["fr"]:
        assert f"\n- {sentence}\n" in digest
    assert digest.splitlines()[-1].startswith("Que faire : ")


def test_both_languages_have_the_same_words():
    def fields(text):
        return {name for _, name, *_ in string.Formatter().parse(text) if name}

    assert FRENCH.keys() == ENGLISH.keys()
    assert all(fields(FRENCH[key]) == fields(ENGLISH[key]) for key in FRENCH)


def test_everything_that_may_be_found_has_words():
    notes = ("too_few_texts", "repeated_texts", "decisions_not_compared", "domain_not_compared")
    needed = [f"of_{name}" for name in SIZES] + [f"note_{note}" for note in notes]
    needed += [f"{kind}_{one.value}" for kind in ("severity", "todo", "named") for one in Severity]
    assert set(needed) <= FRENCH.keys()


MEASURE = """<iframe width="{width}" height="900" style="border: 0" srcdoc="{page}"></iframe>
<script>
onload = () => {{
  const drawn = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `${{drawn.scrollWidth}} ${{drawn.querySelectorAll("svg").length}}`;
}};
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_draws_the_page_within_the_width_of_its_window(page, tmp_path, width):
    measured = tmp_path / "measured.html"
    measured.write_text(MEASURE.format(width=width, page=html.escape(page)), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000"]
    command += ["--dump-dom", measured.as_uri()]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    [(scroll_width, n_pictures)] = re.findall(r"<title>(\d+) (\d+)</title>", drawn)
    assert int(scroll_width) <= width
    assert int(n_pictures) == 5
