"""A strict reader of the text format of Prometheus, version 0.0.4."""

import re
from itertools import groupby

NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
ESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def parse(content) -> dict:
    """Return the number of each series: `{(name, ((label, value), …)): number}`."""
    text = content.decode("utf-8")
    assert text.endswith("\n")
    kinds, found = {}, {}
    name = None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert re.fullmatch(NAME, name)
            assert name not in kinds
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == name
            kinds[name] = line.split(" ")[3]
        else:
            matched = SAMPLE.fullmatch(line)
            assert matched, line
            ends = "(_bucket|_sum|_count)" if kinds[name] == "histogram" else ""
            assert re.fullmatch(name + ends, matched[1]), line
            pairs = re.findall(LABEL, matched[2] or "")
            labels = tuple((label, _unescape(value)) for label, value in pairs)
            assert (matched[1], labels) not in found, line
            found[matched[1], labels] = float(matched[matched.lastindex])
    _check_histograms(found, [name for name, kind in kinds.items() if kind == "histogram"])
    return found


def _unescape(value) -> str:
    return re.sub(r"\\.", lambda escaped: ESCAPED[escaped[0]], value)


def _check_histograms(found, names) -> None:
    for name in names:
        buckets = [
            (labels[:-1], float(labels[-1][1]), number)
            for (one, labels), number in found.items()
            if one == f"{name}_bucket"
        ]
        for labels, rows in groupby(buckets, key=lambda row: row[0]):
            bounds, numbers = zip(*((bound, number) for _, bound, number in rows), strict=True)
            assert list(bounds) == sorted(set(bounds))
            assert list(numbers) == sorted(numbers)
            assert (bounds[-1], numbers[-1]) == (float("inf"), found[f"{name}_count", labels])


def total(found, name, /, **labels) -> float:
    """Return the sum of the series of a name that have these labels."""
    return sum(
        number
        for (one, pairs), number in found.items()
        if one == name and labels.items() <= dict(pairs).items()
    )
