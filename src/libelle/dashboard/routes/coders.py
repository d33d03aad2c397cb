"""Coders: under which name a visitor gives verdicts."""

import re
import secrets
from typing import Final

from fastapi import Request, Response

COOKIE: Final = "libelle_coder"
_NAME = re.compile(r"anonymous-[0-9a-f]{16}")
_N_BYTES = 8
_KEPT_SECONDS = 180 * 86_400


def coder_of(request: Request) -> str:
    """Return the name of the key; without keys, a name drawn for this browser.

    Two people who share a dashboard without keys are then two coders, and hold their own texts.
    """
    if request.state.visitor.name:
        return str(request.state.visitor.name)
    if not hasattr(request.state, "coder"):
        kept = request.cookies.get(COOKIE, "")
        is_known = _NAME.fullmatch(kept)
        request.state.coder = kept if is_known else f"anonymous-{secrets.token_hex(_N_BYTES)}"
    return str(request.state.coder)


def keep_coder(request: Request, answer: Response, coder: str) -> None:
    """Leave the name that was drawn in the browser."""
    if request.state.visitor.name or request.cookies.get(COOKIE) == coder:
        return
    answer.set_cookie(
        COOKIE,
        coder,
        max_age=_KEPT_SECONDS,
        path=request.scope.get("root_path") or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
