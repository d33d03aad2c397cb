"""Variables: those of the environment that mean no setting, or the same one twice."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

PREFIX = "LIBELLE_"
# What Kubernetes writes in every pod for a Service whose name begins with libelle.
_SERVICE_LINK = re.compile(
    r"LIBELLE_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_LINKED_ADDRESS = re.compile("(?:tcp|udp|sctp)://", re.IGNORECASE)


def without_service_links(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return variables without those that Kubernetes injects."""
    return {name: value for name, value in variables.items() if not is_service_link(name, value)}


def is_service_link(name: str, value: str | None) -> bool:
    """Tell whether Kubernetes wrote a variable: by its name, or a port that holds an address."""
    name = name.upper()
    if _SERVICE_LINK.fullmatch(name):
        return True
    is_port = name.startswith(PREFIX) and name.endswith("_PORT")
    return is_port and _LINKED_ADDRESS.match(value or "") is not None


def complain_of_unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return a sentence for each name with our prefix that no setting has."""
    strangers = {name for name in names if name.upper().startswith(PREFIX)}
    return [
        f"{name} is no setting{_nearest(name.upper(), known)}"
        for name in sorted(strangers)
        if name.upper() not in known
    ]


def complain_of_repeated(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return a sentence for each setting that one place gives twice, in whatever case."""
    counted = Counter(name.upper() for name in names)
    return [
        f"{name} is given twice" for name in sorted(counted) if counted[name] > 1 and name in known
    ]


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
