"""What the normaliser promises: pure, idempotent, defined for every text."""

import itertools
import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unidecode import unidecode

from libelle.data import text as text_module
from libelle.data.text import (
    WORDS,
    Normalizer,
    NormalizerOptions,
    compose,
    repair_mojibake,
    split_key,
    to_ascii,
)
from libelle.errors import UsageError

STEPS = {
    "mojibake": (True, False),
    "elisions": (True, False),
    "sigles": (True, False),
    "numbers": ("keep", "mask"),
    "stop_words": ("keep", "drop"),
    "language": ("french", "english"),
}
COMBINATIONS = [
    NormalizerOptions(**dict(zip(STEPS, values, strict=True)))
    for values in itertools.product(*STEPS.values())
]
EVERY_CHARACTER = [chr(point) for point in range(sys.maxunicode + 1)]
# A strategy of texts never makes half of a surrogate pair: characters are drawn, then joined.
HOSTILE = st.lists(
    st.one_of(
        st.characters(),
        st.characters(categories=["Mn", "Zs", "Cc", "Po"]),
        st.sampled_from("aeld'’`.SA09 \t\nÃ©Â\xa0œﬁ½\ud800\udfff"),
    ),
    max_size=40,
).map("".join)


def plain(**options):
    return Normalizer(NormalizerOptions(**options))


def read_in_the_wrong_encoding(word):
    """Return the UTF-8 of a word as CP1252 shows it, or Latin-1 where CP1252 has nothing."""
    return "".join(
        bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in word.encode()
    )


def test_normalizing_twice_changes_nothing_over_all_of_unicode():
    normalize = Normalizer().normalize
    assert not [char for char in EVERY_CHARACTER if normalize(normalize(char)) != normalize(char)]


def test_normalizing_twice_changes_nothing_with_any_options_over_all_of_unicode():
    # The options look at what a character is in ASCII: one character of each form is enough.
    character_of = {to_ascii(char): char for char in EVERY_CHARACTER}
    for options in COMBINATIONS:
        normalize = Normalizer(options, memo_bytes=0).normalize
        once = [normalize(char) for char in character_of.values()]
        assert [normalize(form) for form in once] == once


@given(text=HOSTILE, options=st.sampled_from(COMBINATIONS))
def test_normalizing_twice_changes_nothing_with_any_options(text, options):
    normalizer = Normalizer(options)
    once = normalizer.normalize(text)
    assert normalizer.normalize(once) == once


@given(text=HOSTILE, options=st.sampled_from(COMBINATIONS), stemming=st.booleans())
def test_words_are_ascii_between_single_blanks(text, options, stemming):
    changed = {**options.to_dict(), "stemming": stemming}
    normalized = Normalizer(NormalizerOptions.from_dict(changed)).normalize(text)
    assert normalized == " ".join(WORDS.findall(normalized))


@given(texts=st.lists(HOSTILE), options=st.sampled_from(COMBINATIONS))
def test_a_memo_of_any_size_changes_nothing(texts, options):
    plain_answers = Normalizer(options, memo_bytes=0).normalize_many(texts)
    assert Normalizer(options).normalize_many(texts + texts) == plain_answers * 2
    assert Normalizer(options, memo_bytes=500).normalize_many(texts + texts) == plain_answers * 2


@given(texts=st.lists(HOSTILE, max_size=4))
def test_a_text_is_its_chunks(texts):
    normalizer = plain()
    alone = " ".join(filter(None, normalizer.normalize_many(texts)))
    assert normalizer.normalize(" ".join(texts)) == alone


def test_the_memo_is_bounded():
    normalizer = Normalizer(memo_bytes=10_000)
    normalizer.normalize_many([f"mot{number}" for number in range(1000)])
    memo = normalizer._look_up.__self__
    assert 0 < len(memo) <= 10_000 / text_module.MEMO_ENTRY_BYTES
    normalizer = plain()
    normalizer.normalize("x" * 1_000_000)
    assert len(normalizer._look_up.__self__) == 0


def test_a_memo_that_was_full_remembers_what_comes_next():
    normalizer = Normalizer(memo_bytes=10_000)
    normalizer.normalize_many([f"mot{number}" for number in range(1000)])
    normalizer.normalize("école")
    assert normalizer._look_up.__self__["école"] == "ecole"
    assert "mot0" not in normalizer._look_up.__self__


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece",
    ["\u0301\u0316", "\uff9e\u0301", "\u0f73", "au", "ay", "l'", "a.", "'", "Ã©", "ÃƒÂ©", "1", "é"],
)
def test_a_very_long_chunk_takes_a_time_that_grows_as_its_length(piece):
    text = "a" + piece * (300_000 // len(piece))
    plain(stemming=True, stop_words="drop").normalize(text)
    split_key(text)


@given(text=HOSTILE | st.text("aeoIc\u0301\u0302\u0323\u0327\u1100\u1161\u11a8\uff76\uff9e"))
def test_composing_by_pieces_is_nfkc(text):
    assert compose(text) == unicodedata.normalize("NFKC", text)


def test_lower_ascii_is_the_table_of_unidecode():
    for char in EVERY_CHARACTER:
        if not 0xD800 <= ord(char) <= 0xDFFF:
            expected = unidecode(unicodedata.normalize("NFKC", char)).lower()
            assert to_ascii(char) == expected


@given(text=st.text())
def test_split_keys_see_letters_and_digits_only(text):
    key = split_key(text)
    assert key == split_key(f" {text.upper() if text.isascii() else text} !?")
    assert key == "".join(WORDS.findall(key))


def test_split_keys_are_fixed():
    assert text_module.SPLIT_KEY_VERSION == 1
    assert split_key("L'École d’été, n° 12 !") == "lecoledetendeg12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vente de fleurs", "vente de fleurs"),
        ("L'école d’été", "ecole ete"),
        ("qu'il aille jusqu`ici", "il aille ici"),
        ("l'd'eau", "eau"),
        ("l´eau l‘eau lʼeau l＇eau", "eau eau eau eau"),
        ("aujourd'hui", "aujourd hui"),
        ("S.A.R.L. Dupont, s.n.c.f", "sarl dupont sncf"),
        ("d'H.L.M.", "hlm"),
        ("dÃ©chets verts", "dechets verts"),
        ("dÃƒÂ©chets", "dechets"),
        ("Ã\xa0 la mairie", "a la mairie"),
        ("lâ€™ÃŽle lÂ´eau", "ile eau"),
        ("e\u0301cole", "ecole"),
        ("ENTRETIEN/RÉPARATION", "entretien reparation"),
        ("œuvre ﬁn ½ Ⅷ", "oeuvre fin 1 2 viii"),
        ("北京", "bei jing"),
        ("a\x00b\nc\u2028d", "a b c d"),
        ("\ud800?", ""),
        ("", ""),
    ],
)
def test_what_each_rule_does(text, expected):
    assert plain().normalize(text) == expected


def test_what_no_rule_of_chunks_repairs():
    assert plain().normalize("dÃ©jÃ  vu") == "da c ja vu"
    assert plain().normalize("S. A. R. L.") == "s a r l"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"elisions": False}, "l ecole de la sa n 2024"),
        ({"sigles": False}, "ecole de la s a n 2024"),
        ({"numbers": "mask"}, "ecole de la sa n 0"),
        ({"stop_words": "drop"}, "ecole sa 2024"),
        ({"stop_words": "drop", "language": "english"}, "ecole de la sa n 2024"),
    ],
)
def test_each_step_can_be_switched(options, expected):
    if options.get("stop_words") == "drop" and "language" not in options:
        expected = "ecole 2024"  # "sa" is a possessive.
    assert plain(**options).normalize("L'école de la S.A. n 2024") == expected


# Capitals before a sign, whose bytes happen to be UTF-8.
BORDERLINE = ("CAFÉ…", "MARCHÉ–FOIRE", "DÉFILÉ»", "OÙ…", "DÛ»", "fermé…»")


def test_a_word_that_only_looks_like_mojibake_is_kept():
    for word in ("Ãtre", "Â", "garçon", "naïveté", "€uro", "Ångström", *BORDERLINE):
        assert repair_mojibake(word) == word


@given(word=st.text(st.characters(min_codepoint=0xA0, max_codepoint=0x24F), min_size=1))
def test_text_read_in_the_wrong_encoding_is_repaired(word):
    broken = word.encode().decode("latin-1")
    assert repair_mojibake(broken) == repair_mojibake(word)


@given(word=st.text("abcRSTéèêëàâäîïôöùûüÿçñœæÉÈÊËÀÂÎÏÔÙÛÜŸÇŒÆŽž’‘“”«»…–—€°™", min_size=1))
def test_each_character_of_french_is_repaired_after_one_wrong_reading_or_two(word):
    broken = read_in_the_wrong_encoding(word)
    assert repair_mojibake(broken) == repair_mojibake(word)
    assert repair_mojibake(read_in_the_wrong_encoding(broken)) == repair_mojibake(word)


def test_every_letter_of_western_europe_is_repaired():
    letters = [chr(point) for point in range(0xC0, 0x180)]
    broken = map(read_in_the_wrong_encoding, letters)
    assert list(map(repair_mojibake, broken)) == letters


def test_stems_are_those_of_accented_words():
    stemmed = plain(stemming=True)
    assert stemmed.normalize("Réparations antillaises") == "repar antillais"
    assert stemmed.normalize("qualité privées qualite") == "qualit priv qualit"
    assert stemmed.normalize("REPARATIONS re\u0301parations") == "repar repar"
    english = plain(stemming=True, language="english")
    assert english.normalize("Adding plumbers' tools") == "ad plumber tool"


def test_what_is_too_long_for_a_word_is_not_stemmed():
    stemmed = plain(stemming=True)
    assert stemmed.normalize("anti" * 10 + "llaises") == "anti" * 10 + "llais"
    assert stemmed.normalize("anti" * 20 + "llaises") == "anti" * 20 + "llaises"


def test_stop_words_are_dropped_from_stems_too():
    normalizer = plain(stemming=True, stop_words="drop")
    assert normalizer.normalize("Leurs écoles et notre mairie, très à l'écart") == "ecol mair ecart"


@given(words=st.lists(st.sampled_from(["vie", "vies", "sonne", "parer", "biens", "cars", "très"])))
def test_no_other_word_is_dropped_for_its_stem(words):
    kept = plain(stop_words="drop").normalize(" ".join(words))
    stemmed = plain(stemming=True, stop_words="drop").normalize(" ".join(words))
    assert len(stemmed.split()) == len(kept.split())


def test_options_travel_as_json():
    for options in COMBINATIONS:
        assert NormalizerOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options


@pytest.mark.parametrize(
    "options", [{"colour": "blue"}, {"numbers": "drop"}, {"language": "latin"}]
)
def test_an_unknown_option_is_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        NormalizerOptions.from_dict(options)


def test_nltk_comes_with_stemming_only_and_without_scikit_learn():
    program = (
        "import sys\n"
        "from libelle.data.text import Normalizer, NormalizerOptions\n"
        "Normalizer().normalize('une école')\n"
        "assert 'nltk' not in sys.modules\n"
        "assert Normalizer(NormalizerOptions(stemming=True)).normalize('écoles') == 'ecol'\n"
        "assert 'nltk' in sys.modules and 'sklearn' not in sys.modules\n"
        "import sklearn.svm\n"
        "assert sklearn.svm.LinearSVC()\n"
        "from nltk.classify.scikitlearn import SklearnClassifier\n"
        "from nltk.parse.transitionparser import TransitionParser\n"
        "assert SklearnClassifier and TransitionParser"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
