"""Write `openapi.json`, the committed promise of the service: `python -m api.write_openapi`."""

import sys
from pathlib import Path

import orjson

from api.main import create_app
from api.openapi import render_openapi
from api.promises import find_lost_promises
from libelle.settings import Settings

COMMITTED = Path(__file__).with_name("openapi.json")


def main() -> int:
    """Write `openapi.json`, unless it would promise less than the file that stands there."""
    # The bounds written down are the defaults, whatever the environment says.
    rendered = render_openapi(create_app(Settings.model_construct(auth="none"), None))
    if COMMITTED.exists():
        committed = orjson.loads(COMMITTED.read_bytes())
        if lost := find_lost_promises(committed, orjson.loads(rendered)):
            sys.stderr.write("\n".join(["v1 only grows. This would be lost:", *lost, ""]))
            return 1
    COMMITTED.write_bytes(rendered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
