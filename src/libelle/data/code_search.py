"""Code search: the codes of a nomenclature whose code or title holds the words asked for."""

from unidecode import unidecode

from libelle.data.nomenclature import Nomenclature


class CodeSearch:
    """Search a nomenclature, whatever the accents, the case and the order of the words.

    Parameters
    ----------
    nomenclature : Nomenclature
    """

    def __init__(self, nomenclature: Nomenclature) -> None:
        rows = zip(nomenclature.codes, nomenclature.titles, strict=True)
        self._entries = tuple((code, _fold(code), _fold(f"{code} {title}")) for code, title in rows)

    def find(self, query: str) -> tuple[str, ...]:
        """Return the codes that hold every word of the query, all of them for an empty one.

        Codes that begin with the whole query come first, then the order of the nomenclature.
        """
        folded = _fold(query).strip()
        words = folded.split()
        found = [
            (not code.startswith(folded), position)
            for position, (_, code, searched) in enumerate(self._entries)
            if all(word in searched for word in words)
        ]
        return tuple(self._entries[position][0] for _, position in sorted(found))


def _fold(text: str) -> str:
    # Half of a surrogate pair has no transliteration, and would make unidecode warn.
    whole = text.encode("utf-8", "ignore").decode("utf-8")
    return unidecode(whole).casefold()
