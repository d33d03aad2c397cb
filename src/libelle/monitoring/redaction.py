"""Redaction: what names a person in a text becomes a fixed word in brackets.

Rules of form, not of meaning: a name that no civility announces stays. Doubt is settled against the
text: a number that looks like a telephone is one.
"""

import re
from collections.abc import Mapping
from functools import cache

TOKENS = {
    "email": "[courriel]",
    "iban": "[iban]",
    "nir": "[nir]",
    "siret": "[siret]",
    "telephone": "[telephone]",
    "siren": "[siren]",
    "name": "[nom]",
}


def redact(text: str) -> str:
    """Return `text` without what names a person; doing it twice changes nothing.

    E-mails, telephones (French and international), social security numbers (NIR), IBAN, SIRET,
    SIREN, and names after civilities (*M.*, *Mme*, *Monsieur*, *Dr*, *Me*…).
    """
    redacted = _redact_once(text)
    while redacted != text:  # What a token took away may uncover something else.
        text, redacted = redacted, _redact_once(redacted)
    return redacted


def _redact_once(text: str) -> str:
    kinds = _possible_kinds(text)
    return _pattern(kinds).sub(_token, text) if kinds else text


def _possible_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds of which a text has what they cannot be without: most texts have none."""
    kinds: tuple[str, ...] = ()
    if "@" in text or "(at)" in text or "[at]" in text:
        kinds += ("email",)
    if _TWO_DIGITS.search(text):
        kinds += ("iban",)
    if _SEVEN_DIGITS.search(text):
        kinds += ("nir", "siret", "telephone", "siren")
    if _CIVILITY.search(text):
        kinds += ("name",)
    return kinds


@cache
def _pattern(kinds: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds some kinds, the first that matches at a place."""
    return re.compile("|".join(_KINDS[kind] for kind in kinds))


def _token(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    return f"{found['civility']}{TOKENS[kind]}" if kind == "name" else TOKENS[kind]


_GAP = r"[\s.\-/_]{0,2}"
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
# From the beginning of a word only: else a long one would be tried from each of its characters.
_EMAIL = rf"(?<!{_LOCAL}){_LOCAL}+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+"
_IBAN = r"\b(?i:[a-z]{2})\d{2}(?:[ .-]?[A-Za-z\d]{4}){2,7}(?:[ .-]?[A-Za-z\d]{1,3})?\b"
# Sex, year, month, department (Corsica has letters), town, order; the key is often left out. It is
# not checked: a number with a slip still names someone.
_NIR = (
    rf"(?<!\d)[1-478]{_GAP}\d\d{_GAP}\d\d{_GAP}(?:\d\d|2[ABab]){_GAP}\d{{3}}{_GAP}\d{{3}}"
    rf"(?:{_GAP}\d\d)?(?!\d)"
)
_SIRET = rf"(?<!\d)(?:\d{{3}}{_GAP}){{3}}(?:\d{{5}}|\d{_GAP}\d{{4}}|\d\d{_GAP}\d{{3}})(?!\d)"
_SIREN = rf"(?<!\d)\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}(?!\d)"
_FRENCH = rf"(?:(?:\+|00){_GAP}33{_GAP}(?:\(0\))?{_GAP}0?|\(?0\)?{_GAP})[1-9](?:{_GAP}\d\d){{4}}"
_INTERNATIONAL = r"(?:\+\s?|00)[1-9](?:[\s.\-/()]{0,3}\d){6,14}"
_TELEPHONE = rf"(?<!\d)(?:{_FRENCH}|{_INTERNATIONAL})(?!\d)"

_PARTICLE = r"(?:(?i:de la|de|du|des|van der|van|von|der|ben|el|al|le|la)\s+|(?i:d|l)['’]\s?)"
_INITIALS = r"(?:[^\W\d_]\.[\s-]?)"
_WORD = r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_]))*"
_CAPITALIZED = rf"(?=[A-ZÀ-ÖØ-Þ]){_WORD}"
_MORE = rf"(?:[\s-]+{_PARTICLE}?(?:{_INITIALS}|{_CAPITALIZED})){{0,3}}"
# Before a small letter these are also ordinary words: "je me plains", "maître d'ouvrage".
_DOUBTFUL = r"(?:MM?\.?|Mr\.?|Me\.?|Pr\.?|Mgr\.?|Docteur|Ma[iî]tre|Professeur)"
_SURE = (
    r"(?:(?i:messieurs|monsieur|mesdames|madame|mademoiselle|m(?:me|lle)s?\.?|mr\.?|dr\.?)"
    r"|M\.|(?<!\d\s)m\.)"  # After a number, a small m is a metre.
)
_BEFORE_NAME = r"(?:\s+|(?<=\.))"
# A civility, then a title: "Monsieur le maire".
_TITLE = r"(?:le|la|les|et|ou|en|à)\b|l['’]"
_NAME = (
    rf"(?<!\w)(?P<civility>{_SURE}{_BEFORE_NAME}"
    rf"|{_DOUBTFUL}{_BEFORE_NAME}(?={_PARTICLE}?[A-ZÀ-ÖØ-Þ]))"
    rf"(?P<name>(?!{_TITLE}){_PARTICLE}?{_INITIALS}*{_WORD}{_MORE})"
)
_KINDS: Mapping[str, str] = {
    "email": f"(?P<email>{_EMAIL})",
    "iban": f"(?P<iban>{_IBAN})",
    "nir": f"(?P<nir>{_NIR})",
    "siret": f"(?P<siret>{_SIRET})",
    "telephone": f"(?P<telephone>{_TELEPHONE})",
    "siren": f"(?P<siren>{_SIREN})",
    "name": _NAME,
}
# What kinds cannot be without; each begins with a set of characters, which is found fast.
_TWO_DIGITS = re.compile(r"\d\d(?<=(?i:[a-z]{2})..)", re.DOTALL)
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,4}\d){6}")
_CIVILITY = re.compile(
    r"[MmDdP](?<!\w[MmDdP])"
    r"(?:(?<=[Mm])(?i:essieurs|onsieur|esdames|adame|ademoiselle|mes?|lles?|r)|(?<=[Dd])(?i:r)"
    r"|(?<=M)(?:M|e|gr|a[iî]tre)?|(?<=m)|(?<=D)octeur|(?<=P)(?:r|rofesseur))[\s.]"
)
