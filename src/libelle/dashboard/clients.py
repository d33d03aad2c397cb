"""Clients: the applications that pseudonyms of the log stand for, as far as pages may tell."""

from collections.abc import Mapping

from api.security.keys import Scope, read_keys
from libelle.monitoring.privacy import Pseudonyms
from libelle.monitoring.recording import OWN_CLIENTS
from libelle.settings import Settings


def name_clients(settings: Settings) -> Mapping[str, str]:
    """Return the names of applications by pseudonym; what else has a key may be a person.

    An application is a name whose keys may predict, and nothing more; so are our own commands.
    """
    log_key = settings.log_key_bytes()
    if log_key is None:
        return {}
    keys = read_keys((settings.api_keys_bytes() or b"").decode("ascii", "replace"))
    people = {key.name for key in keys if key.scopes != {Scope.PREDICT}}
    names = {key.name for key in keys} - people | set(OWN_CLIENTS)
    pseudonyms = Pseudonyms(log_key)
    return {pseudonym: name for name in names if (pseudonym := pseudonyms.of_client(name))}
