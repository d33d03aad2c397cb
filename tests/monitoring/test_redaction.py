"""Redaction: nothing of what names a person stays, and what names nobody does."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from libelle.monitoring import redaction
from libelle.monitoring.redaction import TOKENS, redact

DIGITS = st.text("0123456789", min_size=2, max_size=2)
SEPARATORS = st.sampled_from(["", " ", ".", "-"])
WORDS = st.lists(st.sampled_from(["vente", "de", "fleurs", "à", "l'école", "n°"]), max_size=3)
NAMES = st.sampled_from(["Dupont", "DUPONT", "dupont", "Le Gall", "de La Tour", "J.-P. N'Guyen"])


def around(*parts):
    """Put words before and after."""
    middle = st.tuples(*parts).map("".join)
    sides = WORDS.map(" ".join)
    return st.tuples(sides, middle, sides).map(" ".join)


@st.composite
def grouped(draw, *sizes, begin=None):
    """Draw digits in groups, the same separator between them."""
    groups = [draw(st.text("0123456789", min_size=size, max_size=size)) for size in sizes]
    return ("" if begin is None else draw(begin)) + draw(SEPARATORS).join(groups)


@st.composite
def french_telephones(draw):
    separator = draw(SEPARATORS)
    begin = draw(st.sampled_from(["0", "+33", "0033", "+33 ", "+33 (0)"]))
    first = begin + draw(st.sampled_from("123456789"))
    return separator.join([first, *(draw(DIGITS) for _ in range(4))])


@st.composite
def social_security_numbers(draw):
    separator = draw(SEPARATORS)
    parts = [draw(st.sampled_from("12")), draw(DIGITS), draw(st.sampled_from(["01", "12", "33"]))]
    parts += [draw(st.sampled_from(["75", "2A", "2b", "99"]))]
    parts += [draw(st.text("0123456789", min_size=3, max_size=3)) for _ in range(2)]
    parts += draw(st.sampled_from([[], ["36"]]))
    return separator.join(parts)


@given(text=around(french_telephones()))
def test_no_french_telephone_stays(text):
    redacted = redact(text)
    assert "[telephone]" in redacted
    assert not re.search(r"\d", redacted)


@given(text=around(grouped(2, 4, 4, begin=st.sampled_from(["+44 ", "+1 ", "0049 ", "+351"]))))
def test_no_foreign_telephone_stays(text):
    redacted = redact(text)
    assert "[telephone]" in redacted
    assert not re.search(r"\d", redacted)


@given(text=around(social_security_numbers()))
def test_no_social_security_number_stays(text):
    assert not re.search(r"\d", redact(text))


@given(text=around(st.emails(domains=st.sampled_from(["free.fr", "mail.gouv.fr", "a-b.org"]))))
def test_no_email_stays(text):
    assert "@" not in redact(text)


@given(text=around(grouped(4, 4, 4, 4, 4, 3, begin=st.sampled_from(["FR76 ", "fr76", "BE68"]))))
def test_no_bank_account_stays(text):
    assert not re.search(r"\d", redact(text))


@given(text=around(grouped(3, 3, 3, 5)), short=around(grouped(3, 3, 3)))
def test_no_company_number_stays(text, short):
    assert not re.search(r"\d", redact(text) + redact(short))


@given(
    text=around(
        st.sampled_from(["M. ", "Mme ", "MME ", "Monsieur ", "madame ", "Mlle ", "Dr ", "dr. "]),
        NAMES,
    )
)
def test_no_name_stays_after_a_civility(text):
    assert "[nom]" in redact(text)
    assert not re.search(r"(?i)dupont|gall|tour|guyen", redact(text))


@pytest.mark.parametrize("name", ["Me Dupont", "Maître Dupont", "Docteur Dupont", "Pr Dupont"])
def test_a_name_with_a_capital_goes_after_a_doubtful_civility(name):
    assert redact(f"chez {name}, à Lyon").endswith("[nom], à Lyon")


@pytest.mark.parametrize(
    "text",
    [
        "je me plains du maître d'ouvrage",
        "Monsieur le maire, la lampe est cassée",
        "Madame, Monsieur, bonjour",
        "tranchée de 12 m. de long",
        "12 500 000 euros le 14/03/2026, article 0111",
        "M et rien",
        "",
    ],
)
def test_what_names_nobody_stays(text):
    assert redact(text) == text


@given(text=st.text("abM. m@é'0123456789+-()[]dr\ud800\n", max_size=60) | st.text(max_size=60))
@example("M. 06 12 34 56 78a@b.fr")
@example("123456789'123456789m.Mme et le ")
def test_redacting_twice_changes_nothing(text):
    assert redact(redact(text)) == redact(text)


# The least that each kind may be.
LEAST = [
    "a@b.fr",
    "a (at) b.fr",
    "a [at] b.fr",
    "fr76abcdabcd",
    "\N{KELVIN SIGN}\N{LATIN SMALL LETTER LONG S}76 abcd.abcd",
    "1 75. 01 -2A 123 456",
    "123 456 78912345",
    "+1234567",
    "+1 - 2 - 3 - 4 - 5 - 6 - 7",
    "001234567",
    "+33 (0) 1 23 45 67 89",
    "+1٢٣٤٥٦٧",
    "123_456_789",
    *(f"{one} d" for one in ("monsieur", "MADAME", "mademoiselle", "mesdames", "mr")),
    *(f"{one}.d" for one in ("m", "M", "Mme", "mlles", "dr", "DR")),
    *(f"{one} D" for one in ("M", "MM", "Mr", "Me", "Mgr", "Pr", "Docteur", "Maitre", "Maître")),
    "Professeur D",
    "me\N{LATIN SMALL LETTER LONG S}\N{LATIN SMALL LETTER LONG S}ieurs d",
]
FRAGMENTS = ["M. ", "Mme ", "Dr", "Dupont", "de ", "12", "0", "+33", "(0)", "@", ".", "-", " ", "é"]
NOISE = st.lists(st.sampled_from(FRAGMENTS), max_size=5).map("".join) | st.text(max_size=9)


@pytest.mark.parametrize("least", LEAST)
@given(before=NOISE, after=NOISE)
@example(before="", after="")
@settings(max_examples=20)
def test_kinds_that_are_not_looked_for_are_not_there(least, before, after):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(redaction, "_possible_kinds", lambda _: tuple(TOKENS))
        looked_for_all = redact(before + least + after)
    assert redact(before + least + after) == looked_for_all


@pytest.mark.parametrize(
    "part", ["a", "1", "a.", "1 ", "M. ", "M. A", "+", "0", "a@", "a.a@a", "é-", "12345678a@b.fr"]
)
def test_a_long_text_is_redacted_in_a_moment(part):
    redact(part * 20_000)
