"""Made-up normalised texts and their codes, small enough to learn from in a moment."""

TOPICS = {
    "0101": ("nid de poule", "trou dans la chaussee", "route abimee", "trottoir casse"),
    "0102": ("lampadaire eteint", "eclairage en panne", "lumiere de la rue", "ampoule grillee"),
    "0201": ("place en creche", "garde d enfant", "inscription creche", "bebe assistante"),
    "0202": ("inscription cantine", "menu de la cantine", "repas ecole", "facture cantine"),
    "0301": ("acte de naissance", "copie acte", "extrait naissance", "livret de famille"),
    "0302": ("carte identite perdue", "renouveler passeport", "titre identite", "carte volee"),
}
PLACES = ("rue de la gare", "quartier nord", "avenue des lilas", "place du marche")


def make_corpus() -> tuple[list[str], list[str]]:
    """Return 96 normalised texts and their codes."""
    rows = [
        (f"{phrase} {place}", code)
        for code, phrases in TOPICS.items()
        for phrase in phrases
        for place in PLACES
    ]
    return [text for text, _ in rows], [code for _, code in rows]
