"""Trying a text and a file: plain words, and a file that comes back as it came."""

import csv
import io

import openpyxl
import pytest
from pydantic import SecretStr

from libelle.dashboard.trying.coding import ADDED, guess_column, neutralize
from libelle.dashboard.trying.tables import UnreadableFileError, read_shape
from libelle.dashboard.uploads import MAX_FILE_BYTES
from tests.api.keys import ENTRIES, SECRETS
from tests.dashboard.html import Page
from tests.dashboard.working import SCRIPT, api_on, small_model
from tests.servers import free_port

KEYS = SecretStr(",".join(ENTRIES.values()))
LOOPBACK = "http://127.0.0.1:8001"
ROWS = [
    ["n°", "libellé", "montant"],
    ["01", "Nid de poule rue de la Gare", "-12,5"],
    ["02", "=cmd|' /C calc'!A0", "3"],
    ["03", "Carte d'identité perdue; volée, qui sait", "+4"],
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def api(tmp_path_factory, model):
    with api_on(tmp_path_factory.mktemp("api"), model) as address:
        yield address


@pytest.fixture
def visitor(open_dashboard, api):
    return open_dashboard(api_url=api)


def write_csv(rows, *, encoding="utf-8", delimiter=",", line_end="\r\n"):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return text.getvalue().encode(encoding)


def give(visitor, content, name="demandes.csv"):
    return visitor.post("try/file", files={"file": (name, content)})


def code(visitor, content, name="demandes.csv", column=1):
    kept = give(visitor, content, name)
    assert kept.status_code == 303, Page(kept.text).words
    token = kept.headers["location"].partition("file=")[2]
    coded = visitor.post(f"try/code?file={token}", data={"column": str(column)})
    assert coded.status_code == 303, Page(coded.text).words
    return visitor.page(f"try?file={token}"), visitor.get(f"try/result?file={token}")


def test_a_text_is_answered_in_plain_words(visitor):
    answer = visitor.post("try", data={"text": "Nid de poule rue de la Gare"})
    words = " ".join(Page(answer.text).words.split())
    assert "Une personne doit choisir : aucun seuil n’est certifié" in words.replace("\u00a0", " ")
    assert "Chaussée et trottoirs" in words
    assert "Les mots qui ont décidé" in words
    assert "poule" in words
    assert "Aucune promesse" in words


def test_s21_a_refused_text_says_why_and_a_script_is_a_text(visitor):
    assert "ne peut pas être codé" in visitor.post("try", data={"text": "12345"}).text
    page = visitor.post("try", data={"text": f"Nid de poule {SCRIPT}"}).text
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_csv_comes_back_as_it_came(visitor, encoding, delimiter):
    content = write_csv(ROWS, encoding=encoding, delimiter=delimiter, line_end="\n")
    page, result = code(visitor, content)
    assert result.headers["content-disposition"].endswith("demandes-code.csv")
    assert result.content.startswith(content[:10])
    assert b"\r" not in result.content
    header, *rows = csv.reader(io.StringIO(result.content.decode(encoding)), delimiter=delimiter)
    assert header == [*ROWS[0], *ADDED]
    assert [row[0] for row in rows] == ["01", "02", "03"]
    assert rows[1][1].startswith("'=cmd")
    assert [row[2] for row in rows] == ["-12,5", "3", "+4"]
    assert rows[0][header.index("top_code")] == "0101"
    assert "3 lignes" in Page(page).words


def test_a_workbook_comes_back_as_a_workbook(visitor):
    book = openpyxl.Workbook()
    for row in (["id", "libellé"], [7, "Lampadaire éteint"], [8, "'+33 appel"], [9, None]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    page, result = code(visitor, content.getvalue(), "demandes.xlsx")
    header, *rows = openpyxl.load_workbook(io.BytesIO(result.content)).active.values
    assert list(header) == ["id", "libellé", *ADDED]
    assert [row[0] for row in rows] == [7, 8, 9]
    assert rows[0][header.index("top_code")] == "0102"
    assert rows[2][header.index("decision")] == "refused"
    assert "3 lignes" in Page(page).words


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("\tx", "'\tx"), ("-x", "'-x"), ("-1 234,5", "-1 234,5"),
     ("+33 1 22", "+33 1 22"), ("a=b", "a=b"), (-3, -3), ("+1+cmd", "'+1+cmd")],
)  # fmt: skip
def test_formulas_are_neutralised_and_numbers_are_not(cell, written):
    assert neutralize(cell) == written


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"libelle\n", "empty"),
        (b"a,b\n1,2,3\n", "ragged"),
        ("a,b\n1,2\n".encode("utf-16"), "utf16"),
        (b"a\0b\n1\n", "binary"),
        (b"PK\x03\x04 and no more", "xlsx"),
        (b",".join([b"a"] * 300) + b"\n1\n", "wide"),
    ],
)
def test_what_is_no_table_is_told(visitor, content, kind):
    with pytest.raises(UnreadableFileError) as told:
        read_shape(io.BytesIO(content))
    assert told.value.kind == kind
    assert give(visitor, content).status_code == 422


def test_a_file_too_large_is_refused(visitor):
    answer = give(visitor, b"x" * (MAX_FILE_BYTES + 1))
    assert answer.status_code == 413
    assert "20 Mo au plus" in answer.text.replace("\u00a0", " ")


def test_a_refused_file_does_not_close_the_other_language(visitor):
    refused = give(visitor, b"")
    assert follow_language(visitor, refused) == "/try?lang=en"


def test_a_file_is_still_there_in_the_other_language(visitor):
    token = give(visitor, write_csv(ROWS)).headers["location"].partition("file=")[2]
    refused = visitor.post(f"try/code?file={token}", data={"column": "9"})
    assert refused.status_code == 422
    assert follow_language(visitor, refused) == f"/try?file={token}&lang=en"


def follow_language(visitor, answer):
    """Follow the link to the other language, as a browser would; return where it ends."""
    link = next(one["href"] for one in Page(answer.text).all("a") if "hreflang" in one)
    shown = visitor.get(str(answer.url.join(link).raw_path, "ascii"), follow_redirects=True)
    assert shown.status_code == 200
    return str(shown.url.raw_path, "ascii")


def test_the_column_is_guessed_by_name_then_by_letters():
    assert guess_column(["id", "Libellé demande", "note"], []) == 1
    assert guess_column(["a", "b"], [["12", "une phrase"], ["13", "deux"]]) == 1


def test_a_file_is_for_who_gave_it_alone(open_dashboard, api):
    visitor = open_dashboard(api_url=api)
    kept = give(visitor, write_csv(ROWS))
    token = kept.headers["location"].partition("file=")[2]
    assert "demandes.csv" in visitor.page(f"try?file={token}")
    visitor._http.cookies.clear()
    stranger = visitor.get(f"try?file={token}").text
    assert "demandes.csv" not in stranger
    assert visitor.get(f"try/result?file={token}").status_code == 404


def test_an_api_that_is_gone_is_told(open_dashboard):
    visitor = open_dashboard(api_url=f"http://127.0.0.1:{free_port()}")
    answer = visitor.post("try", data={"text": "Nid de poule"})
    assert answer.status_code == 503
    assert "L’API ne répond pas" in answer.text
    kept = give(visitor, write_csv(ROWS))
    token = kept.headers["location"].partition("file=")[2]
    coded = visitor.post(f"try/code?file={token}", data={"column": "1"})
    assert coded.status_code == 503
    assert "demandes.csv" in coded.text


def test_with_keys_the_dashboard_calls_with_its_own(open_dashboard, tmp_path, model):
    listed = {"auth": "keys", "api_keys": KEYS}
    with api_on(tmp_path, model, **listed) as address:
        for api_key, status in ((SecretStr(SECRETS["all"]), 200), (None, 422)):
            visitor = open_dashboard(api_url=address, api_key=api_key, base=LOOPBACK, **listed)
            visitor.post("login", data={"key": SECRETS["other"]})
            token = visitor.page("try").partition('name="csrf_token" value="')[2].partition('"')[0]
            assert visitor.post("try", data={"text": "Nid de poule"}).status_code == 403
            asked = {"text": "Nid de poule", "csrf_token": token}
            assert visitor.post("try", data=asked).status_code == status
        visitor = open_dashboard(base=LOOPBACK, **listed)
        visitor.post("login", data={"key": SECRETS["read"]})
        assert visitor.get("try").status_code == 403
