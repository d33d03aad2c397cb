"""Keys: secrets that clients bear, of which the service knows only the hashes."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from libelle.errors import UsageError

KEY_PREFIX: Final = "libelle_key_"
KEY_BYTES = 32
MAX_KEY_CHARACTERS = 256
_KEY = re.compile(KEY_PREFIX + "[A-Za-z0-9_-]{43}")
_ANY_KEY = re.compile(KEY_PREFIX + "[A-Za-z0-9_-]+")
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile("[0-9a-f]{64}")
_PARTS = 3
_WEAK_KEYS = """
0 1 123456 12345678 admin api api-key api_key apikey azerty change-me change_me changeme client
default demo dev example foo key libelle motdepasse none null pass passe password prod root secret
test token true x xxx
""".split()


class Scope(StrEnum):
    """What a key lets its bearer do."""

    PREDICT = "predict"
    READ = "read"
    REVIEW = "review"


@dataclass(frozen=True)
class ApiKey:
    """A key, without its secret.

    Attributes
    ----------
    name : str
        Of the client; several keys may have the same, so that one can take the place of another.
    scopes : frozenset of Scope
    digest : bytes
        SHA-256 of the secret.
    """

    name: str
    scopes: frozenset[Scope]
    digest: bytes

    @property
    def fingerprint(self) -> str:
        """Return what tells a key from others in a session."""
        return self.digest.hex()[:32]

    def entry(self) -> str:
        """Return the key as `LIBELLE_API_KEYS` lists it."""
        return f"{self.name}:{'+'.join(sorted(self.scopes))}:{self.digest.hex()}"


class KeyRing:
    """The keys that are answered.

    Secrets are compared as their SHA-256. A slow hash (Argon2, scrypt) makes guessing a password
    expensive; a key of 256 random bits cannot be guessed at any speed, and a slow hash on each
    request would let anybody occupy the service. No other secret is ever accepted: what does not
    have the form of our keys is refused, whatever its hash.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = tuple(keys)
        self._of_fingerprint = {key.fingerprint: key for key in self._keys}

    def find(self, secret: str) -> ApiKey | None:
        """Return the key that has this secret; the time it takes tells nothing of the others."""
        digest = _hash(secret)
        found = None
        for key in self._keys:  # All of them: leaving early would tell where it stands.
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found if _KEY.fullmatch(secret) else None

    def find_fingerprint(self, fingerprint: str) -> ApiKey | None:
        """Return the key of a session, None once it is not listed any more."""
        return self._of_fingerprint.get(fingerprint)


def make_key(name: str, scopes: Collection[str]) -> tuple[str, ApiKey]:
    """Return a new secret, which nothing else keeps, and its key.

    Raises
    ------
    UsageError
        If the name or a scope is not one that an entry may have.
    """
    secret = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return secret, ApiKey(_check_name(name), read_scopes(scopes), _hash(secret))


def read_scopes(names: Collection[str]) -> frozenset[Scope]:
    """Return scopes by their names.

    Raises
    ------
    UsageError
        If there is none, or if one is unknown.
    """
    known = {scope.value for scope in Scope}
    if not names or not known.issuperset(names):
        raise UsageError(f"scopes are one or more of {', '.join(Scope)}")
    return frozenset(map(Scope, names))


def read_keys(listed: str) -> list[ApiKey]:
    """Return the keys of `LIBELLE_API_KEYS`.

    Raises
    ------
    UsageError
        If an entry is malformed, weak or there twice; the message says which one, by its position
        alone, since it may hold a secret.
    """
    entries = [entry for entry in re.split(r"[,\s]+", listed) if entry]
    keys = []
    for position, entry in enumerate(entries, 1):
        try:
            keys.append(_read_entry(entry))
        except UsageError as error:
            raise UsageError(
                f"LIBELLE_API_KEYS, entry {position} of {len(entries)}: {error}. "
                "`libelle serve --new-key` prints a key and its entry."
            ) from None
    _refuse_repeated(keys)
    return keys


def hide_keys(text: str) -> str:
    """Return a text where no key can be read, should a client have put one in the wrong place."""
    return _ANY_KEY.sub(KEY_PREFIX + "…", text) if KEY_PREFIX in text else text


def _read_entry(entry: str) -> ApiKey:
    if KEY_PREFIX in entry:
        raise UsageError("it is a key, not the hash of one. Others may have read it: make another")
    parts = entry.split(":")
    if len(parts) != _PARTS:
        raise UsageError("it is not name:scopes:hash")
    name, scopes, digest = parts
    if not _HASH.fullmatch(digest.lower()):
        raise UsageError("its hash is not a SHA-256 in hexadecimal")
    key = ApiKey(_check_name(name), read_scopes(scopes.split("+")), bytes.fromhex(digest))
    if key.digest in _weak_digests():
        raise UsageError("it is the hash of an empty key, or of one that anybody would try")
    return key


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError("a name has 1 to 64 letters, digits, dots, dashes or underscores")
    return name


def _refuse_repeated(keys: list[ApiKey]) -> None:
    first_at: dict[bytes, int] = {}
    for position, key in enumerate(keys, 1):
        first = first_at.setdefault(key.digest, position)
        if first != position:
            raise UsageError(
                f"LIBELLE_API_KEYS, entry {position}: its hash is that of entry {first}. "
                "Each client has keys of its own."
            )


def _weak_digests() -> set[bytes]:
    """Return the hashes of weak keys, with the end of line that `echo` adds and without it."""
    return {_hash(key + end) for key in ("", *_WEAK_KEYS) for end in ("", "\n")}


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
