"""Records: bytes that come by parts, cut where a record ends, whatever the parts."""

import codecs


class RecordCutter:
    r"""Cut a file in records, and keep no more than one that has not ended.

    A record ends at `\n`, which is left out; at one that an even number of quotation marks
    precedes, when cells may be quoted. Blank records are dropped.

    Parameters
    ----------
    quoted : bool
        Whether a line may end inside quotation marks.
    blank : bytes
        Characters of which a blank record is made.
    max_bytes : int
        A longer record is replaced by None, and none of it is kept.

    Attributes
    ----------
    too_long : bool
        Whether the record that has not ended is.
    has_mark : bool
        Whether the file begins with a byte order mark, which is left out of its first record.
    """

    def __init__(self, *, quoted: bool, blank: bytes, max_bytes: int) -> None:
        self._quoted, self._blank, self._max_bytes = quoted, blank, max_bytes
        self._begun = bytearray()
        self._inside_quotes = False
        self._at_start = True
        self.too_long = self.has_mark = False

    def feed(self, part: bytes) -> list[bytes | None]:
        """Return the records that end in the next part of the file."""
        *ended, begun = part.split(b"\n")
        if self._quoted and (self._inside_quotes or b'"' in part):
            records = self._cut_quoted(ended)
            self._inside_quotes ^= begun.count(b'"') % 2 == 1
        elif ended:
            first, *others = ended
            self._keep(first)
            records = [self._take(), *map(self._bound, others)]
        else:
            records = []
        self._keep(begun)
        return self._without_blanks(records)

    def finish(self) -> list[bytes | None]:
        """Return the record that the end of the file ends, if any."""
        self._inside_quotes = False
        return self._without_blanks([self._take()])

    def _cut_quoted(self, lines: list[bytes]) -> list[bytes | None]:
        records = []
        for line in lines:
            self._inside_quotes ^= line.count(b'"') % 2 == 1
            self._keep(line)
            if self._inside_quotes:
                self._keep(b"\n")
            else:
                records.append(self._take())
        return records

    def _keep(self, part: bytes) -> None:
        if self.too_long or len(self._begun) + len(part) > self._max_bytes:
            self._begun.clear()
            self.too_long = True
        else:
            self._begun += part

    def _take(self) -> bytes | None:
        record = None if self.too_long else bytes(self._begun)
        self._begun.clear()
        self.too_long = False
        return record

    def _bound(self, record: bytes) -> bytes | None:
        return record if len(record) <= self._max_bytes else None

    def _without_blanks(self, records: list[bytes | None]) -> list[bytes | None]:
        if self._at_start and records:
            self._at_start = False
            first = records[0] or b""
            self.has_mark = first.startswith(codecs.BOM_UTF8)
            if self.has_mark:
                records[0] = first.removeprefix(codecs.BOM_UTF8)
        return [one for one in records if one is None or one.strip(self._blank)]
