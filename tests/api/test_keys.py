"""Keys: random, known by their hashes, refused at the start when they are worth nothing."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.main import create_app
from api.security import keys
from api.security.access import read_key_ring
from api.security.keys import KeyRing, Scope, hide_keys, make_key, read_keys
from api.serving import serve
from libelle.errors import UsageError
from libelle.settings import Settings
from tests.api.keys import ENTRIES, SECRETS


def entry(secret, scopes="predict", name="client"):
    return f"{name}:{scopes}:{hashlib.sha256(secret.encode()).hexdigest()}"


def test_a_key_has_256_random_bits_and_a_form_of_its_own():
    secrets = {make_key("client", ["read"])[0] for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {len("libelle_key_") + 43}
    assert all(secret.startswith("libelle_key_") for secret in secrets)


def test_an_entry_is_read_as_it_is_printed():
    secret, key = make_key("tickets", ["read", "predict"])
    assert key.entry() == entry(secret, "predict+read", "tickets")
    assert read_keys(key.entry()) == [key]
    assert KeyRing([key]).find(secret) == key
    assert secret not in repr(key) + key.entry()


@pytest.mark.parametrize("separator", [",", "\n", " ,\r\n", "\n\n"])
def test_entries_are_separated_by_commas_or_line_ends(separator):
    known = read_keys(separator.join(ENTRIES.values()) + separator)
    assert [key.name for key in known] == list(ENTRIES)


def test_a_client_may_have_two_keys_while_one_takes_the_place_of_the_other():
    (old, first), (new, second) = (make_key("tickets", ["read"]) for _ in range(2))
    both = KeyRing(read_keys(f"{first.entry()},{second.entry()}"))
    assert both.find(old).name == both.find(new).name == "tickets"
    assert KeyRing([second]).find(old) is None


REFUSED = {
    "not-an-entry": "is not name:scopes:hash",
    "a:read": "is not name:scopes:hash",
    "a:read:b:c": "is not name:scopes:hash",
    "a:read:00": "hash is not a SHA-256",
    "a:read:" + "g" * 64: "hash is not a SHA-256",
    ":read:" + "0" * 64: "a name has",
    "a/b:read:" + "0" * 64: "a name has",
    "a::" + "0" * 64: "scopes are one or more of",
    "a:write:" + "0" * 64: "scopes are one or more of predict, read, review",
    "a:read+:" + "0" * 64: "scopes are one or more of",
    SECRETS["all"]: "is a key, not the hash of one",
    f"a:read:{SECRETS['all']}": "is a key, not the hash of one",
}


@pytest.mark.parametrize(("listed", "complaint"), REFUSED.items(), ids=range(len(REFUSED)))
def test_s3_a_malformed_entry_is_named_by_its_position_and_not_repeated(listed, complaint):
    with pytest.raises(UsageError, match=f"entry 2 of 2: .*{complaint}") as raised:
        read_keys(f"{ENTRIES['all']}\n{listed}")
    assert listed not in str(raised.value)
    assert "libelle_key_" not in str(raised.value)


@pytest.mark.parametrize("secret", ["", "\n", "secret", "changeme", "changeme\n", "libelle"])
def test_s3_the_hash_of_a_weak_key_is_refused(secret):
    with pytest.raises(UsageError, match="entry 1 of 1: it is the hash of an empty key, or of one"):
        read_keys(entry(secret))


def test_s3_a_key_that_libelle_did_not_make_is_never_accepted():
    short = "correct horse"
    assert KeyRing(read_keys(entry(short))).find(short) is None


def test_s3_a_hash_stands_once():
    first = ENTRIES["all"]
    with pytest.raises(UsageError, match="entry 2: its hash is that of entry 1"):
        read_keys(f"{first},other{first.removeprefix('all')}")


@pytest.mark.parametrize("listed", [None, SecretStr(""), SecretStr(" ,\n")])
def test_s3_without_keys_no_application_starts(listed):
    settings = Settings.model_construct(api_keys=listed)
    with pytest.raises(UsageError, match=r"--new-key.*LIBELLE_AUTH=none"):
        create_app(settings, None)


def test_s3_without_keys_the_service_does_not_even_listen(monkeypatch):
    monkeypatch.setattr("api.serving._exit_cleanly", lambda: None)
    monkeypatch.setattr("api.serving.configure_logs", lambda: None)
    monkeypatch.setattr("api.serving.listen", lambda *_: pytest.fail("it listens"))
    with pytest.raises(UsageError, match=r"--new-key.*LIBELLE_AUTH=none"):
        serve(Settings.model_construct())


def test_s3_keys_that_are_not_asked_for_are_refused():
    listed = SecretStr(ENTRIES["all"])
    with pytest.raises(UsageError, match="LIBELLE_AUTH=none and LIBELLE_API_KEYS contradict"):
        read_key_ring(Settings.model_construct(auth="none", api_keys=listed))


def test_s3_a_short_key_signs_no_session():
    listed, short = SecretStr(ENTRIES["all"]), SecretStr("0" * 31)
    with pytest.raises(UsageError, match=r"LIBELLE_LOG_KEY .* too short"):
        read_key_ring(Settings.model_construct(api_keys=listed, log_key=short))


def test_keys_may_stand_in_a_file(tmp_path):
    (tmp_path / "keys").write_text("\n".join(ENTRIES.values()) + "\n")
    ring = read_key_ring(Settings.model_construct(api_keys_file=tmp_path / "keys"))
    assert ring.find(SECRETS["read"]).scopes == {Scope.READ}


@pytest.mark.parametrize("position", ["all", "read", "other", None])
def test_s2_every_hash_is_compared_wherever_the_key_stands(monkeypatch, position):
    compared = []
    ring = KeyRing(read_keys(",".join(ENTRIES.values())))
    real = keys.hmac.compare_digest
    monkeypatch.setattr(
        keys.hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair)
    )
    ring.find(SECRETS.get(position, "wrong"))
    assert len(compared) == len(ENTRIES)


@given(secret=st.text() | st.text(alphabet="\ud800\x00é").map("libelle_key_".__add__))
def test_no_other_text_is_a_key(secret):
    assert KeyRing(read_keys(",".join(ENTRIES.values()))).find(secret) is None


def test_s2_a_key_is_hidden_wherever_it_stands():
    assert hide_keys(f"GET /{SECRETS['all']}/a") == "GET /libelle_key_…/a"
