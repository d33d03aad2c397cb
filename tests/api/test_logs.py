"""One line of JSON for each record, whatever it holds."""

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from api.server.logs import JsonFormatter
from tests.api.keys import SECRETS

WILD = st.text(st.characters() | st.sampled_from('\r\n\x1b\x00\u2028\u0085,"\\\ud800\udfff'))


def record(message, **facts):
    made = logging.LogRecord("api", logging.INFO, "", 0, "%s", (message,), None)
    made.facts = facts
    return made


@given(message=WILD, fact=WILD)
def test_s11_a_record_is_one_line_that_round_trips(message, fact):
    line = JsonFormatter().format(record(message, path=fact))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    read = json.loads(line)
    assert (read["message"], read["path"]) == (message, fact)


def test_s2_no_key_stands_in_a_line():
    line = JsonFormatter().format(record(f"a {SECRETS['all']}", path=f"/{SECRETS['read']}"))
    assert json.loads(line)["path"] == "/libelle_key_…"
    assert not any(secret in line for secret in SECRETS.values())
