"""Keys that tests bear."""

from api.security.keys import Scope, make_key

SECRETS, ENTRIES = {}, {}
for name, scopes in {
    "all": list(Scope),
    "predict": ["predict"],
    "read": ["read"],
    "review": ["review"],
    "other": ["predict", "read"],
}.items():
    SECRETS[name], key = make_key(name, scopes)
    ENTRIES[name] = key.entry()
UNKNOWN = make_key("unknown", ["read"])[0]
HEADER = "X-API-Key"


def bearing(name) -> dict[str, str]:
    """Return the headers of a request that bears a key."""
    return {HEADER: SECRETS[name]}
