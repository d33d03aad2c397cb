"""Sentences: what a study of drift found, in plain French and English."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from libelle.monitoring.drift.changes import Change
from libelle.monitoring.drift.comparisons import Comparison
from libelle.monitoring.drift.expectation import ExpectedAccuracy
from libelle.monitoring.drift.severity import Finding, Severity
from libelle.reports.formats import MONTHS, Language, format_number, format_share

MOST_CODES, MOST_WORDS = 3, 5
PARTS: dict[Language, tuple[str, str, str]] = {
    "fr": ("début", "mi-", "fin"),
    "en": ("early", "mid-", "late"),
}
UNCHANGED = {
    "fr": "Rien n’a changé au-delà du hasard.",
    "en": "Nothing changed beyond chance.",
}
NOT_COMPARED = {
    "fr": "Il y a trop peu de libellés pour comparer quoi que ce soit.",
    "en": "There are too few texts to compare anything.",
}
WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "confidence": "La confiance du modèle {moves} : {before} → {after} en moyenne.",
        "confidence_spread": "Les confiances se répartissent autrement, pour une même moyenne.",
        "length": "Les libellés n’ont plus la même longueur : {before} → {after} mots en moyenne.",
        "unknown_words": "La part des mots inconnus du modèle {moves} : {before} → {after}.",
        "codes": "La répartition des codes a changé.",
        "refusals": "Les refus ont changé : {before} → {after} des libellés.",
        "decisions": "La part automatique {moves} : {before} → {after}.",
        "domain": (
            "Les libellés d’aujourd’hui se distinguent de ceux d’avant : de deux libellés, un de "
            "chaque période, le plus récent est reconnu {size} fois sur cent."
        ),
        "expected": (
            "Exactitude attendue, sans connaître la vérité : {accuracy} (de {low} à {high})."
        ),
        "no_truth": "aucune référence ne dit ce que valent ces indices de confiance",
        "too_few_texts": "il y a trop peu de libellés",
        "outside_support": "le modèle a des confiances que la référence n’a guère",
        "other_texts": "les libellés ne sont plus ceux de la référence",
        "contradicted": "des libellés audités disent autre chose",
        "not_valid": "Exactitude attendue : non valable ({reasons}) ; seul un audit la mesure.",
        "rising": "Mots plus fréquents : {words}.",
        "falling": "Mots plus rares : {words}.",
        "rises": "a augmenté",
        "falls": "a baissé",
    },
    "en": {
        "confidence": "The confidence of the model {moves}: {before} → {after} on average.",
        "confidence_spread": "Confidences are spread otherwise, around the same mean.",
        "length": "Texts have another length: {before} → {after} words on average.",
        "unknown_words": (
            "The share of words that the model does not know {moves}: {before} → {after}."
        ),
        "codes": "The mix of codes changed.",
        "refusals": "Refusals changed: {before} → {after} of the texts.",
        "decisions": "The automatic share {moves}: {before} → {after}.",
        "domain": (
            "Texts of today can be told from those of before: of two texts, one of each period, "
            "the later one is recognised {size} times in a hundred."
        ),
        "expected": "Accuracy to be expected, truth unknown: {accuracy} ({low} to {high}).",
        "no_truth": "no reference tells what these confidences are worth",
        "too_few_texts": "there are too few texts",
        "outside_support": "the model has confidences that the reference hardly has",
        "other_texts": "texts are not those of the reference any more",
        "contradicted": "audited texts say otherwise",
        "not_valid": "Accuracy to be expected: not valid ({reasons}); only an audit measures it.",
        "rising": "Words that became more frequent: {words}.",
        "falling": "Words that became rarer: {words}.",
        "rises": "went up",
        "falls": "went down",
    },
}


@dataclass(frozen=True)
class Sentences:
    """The same sentences in both languages, one for each thing."""

    fr: tuple[str, ...]
    en: tuple[str, ...]


def describe(
    findings: Sequence[Finding],
    codes: Sequence[Change],
    words: Sequence[Change],
    expected: ExpectedAccuracy,
) -> Sentences:
    """Say what was found, the gravest first, then what is expected."""
    return Sentences(
        *(tuple(_describe(findings, codes, words, expected, lang)) for lang in ("fr", "en"))
    )


def describe_change(change: Change, lang: Language) -> str:
    """Say how the share of a code changed, and since when: « Urbanisme » a doublé depuis mars."""
    before, after = (format_share(one, lang) for one in (change.share_before, change.share_after))
    since = f" {_since(date.fromisoformat(change.since), lang)}" if change.since else ""
    quoted = f"« {change.title} »" if lang == "fr" else f"“{change.title}”"
    return f"{quoted} {_moved(change, lang)}{since} ({before} → {after})."


def describe_finding(finding: Finding, lang: Language) -> str:
    """Say what a comparison found; meant for one that found something."""
    comparison = finding.comparison
    words = WORDS[lang]
    write = _writer(comparison, lang)
    before, after = write(comparison.before), write(comparison.after)
    same = comparison.name == "confidence" and before == after
    rises = (comparison.after or 0) > (comparison.before or 0)
    return words["confidence_spread" if same else comparison.name].format(
        moves=words["rises" if rises else "falls"],
        before=before,
        after=after,
        size=format_number(100 * comparison.size, lang, 0),
    )


def describe_expectation(expected: ExpectedAccuracy, lang: Language) -> str:
    """Say what accuracy is expected, or why it cannot be believed."""
    words = WORDS[lang]
    if not expected.valid:
        reasons = ", ".join(words[reason] for reason in expected.why_not)
        return words["not_valid"].format(reasons=reasons)
    shares = {name: getattr(expected, name) for name in ("accuracy", "low", "high")}
    return words["expected"].format(
        **{name: format_share(share, lang) for name, share in shares.items()}
    )


def _describe(
    findings: Sequence[Finding],
    codes: Sequence[Change],
    words: Sequence[Change],
    expected: ExpectedAccuracy,
    lang: Language,
) -> list[str]:
    found = sorted(
        (one for one in findings if one.severity is not Severity.NONE),
        key=lambda one: -one.severity.rank,
    )
    nothing = (UNCHANGED if findings else NOT_COMPARED)[lang]
    sentences = [describe_finding(finding, lang) for finding in found] or [nothing]
    sentences += [describe_change(change, lang) for change in codes[:MOST_CODES]]
    for kind, rises in (("rising", True), ("falling", False)):
        shown = [change.name for change in words if change.rises is rises][:MOST_WORDS]
        if shown:
            sentences.append(WORDS[lang][kind].format(words=", ".join(shown)))
    return [*sentences, describe_expectation(expected, lang)]


def _writer(comparison: Comparison, lang: Language) -> Callable[[float | None], str]:
    if comparison.name == "length":
        return lambda value: format_number(value, lang, 1)
    return lambda value: format_share(value, lang)


def _moved(change: Change, lang: Language) -> str:
    ratio = change.ratio
    french = lang == "fr"
    if ratio is None:
        return "est apparu" if french else "appeared"
    if ratio == 0:
        return "a disparu" if french else "disappeared"
    if 1.9 <= ratio < 2.2:
        return "a doublé" if french else "doubled"
    if 2.8 <= ratio < 3.2:
        return "a triplé" if french else "tripled"
    if ratio >= 2.2:
        times = format_number(ratio, lang, 1)
        return f"a été multiplié par {times}" if french else f"was multiplied by {times}"
    if 0.45 <= ratio <= 0.55:
        return "a diminué de moitié" if french else "halved"
    share = format_share(abs(ratio - 1), lang, 0)
    if french:
        return f"a {'augmenté' if ratio > 1 else 'baissé'} de {share}"
    return f"went {'up' if ratio > 1 else 'down'} by {share}"


def _since(day: date, lang: Language) -> str:
    """Say a day as one would: depuis début mars 2026."""
    part = PARTS[lang][min(2, (day.day - 1) // 10)]
    month = f"{MONTHS[lang][day.month - 1]} {day.year}"
    joined = f"{part}{month}" if part.endswith("-") else f"{part} {month}"
    return f"depuis {joined}" if lang == "fr" else f"since {joined}"
