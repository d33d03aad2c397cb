"""Pages: Swagger and Redoc, from files of this machine and with relative links only."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from api.openapi import render_openapi

router = APIRouter(include_in_schema=False)

STATIC: Final = "static"
PACKAGED_FILES: Final = (
    "favicon.png",
    "redoc.standalone.js",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
)
OPEN_ADDRESSES: Final = (
    "/",
    "/docs",
    "/redoc",
    "/openapi.json",
    f"/{STATIC}/start-swagger.js",
    *(f"/{STATIC}/{name}" for name in PACKAGED_FILES),
)
_KEPT: Final = {"Cache-Control": "max-age=3600"}
# Both pages draw with inline styles; nothing comes from elsewhere, nothing inline runs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
_START_SWAGGER = """\
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: new URL("openapi.json", document.baseURI).href,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
"""
_SWAGGER = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>libelle: the API</title>
<link rel="icon" href="{STATIC}/favicon.png">
<link rel="stylesheet" href="{STATIC}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{STATIC}/swagger-ui-bundle.js"></script>
<script src="{STATIC}/start-swagger.js"></script>
</body>
</html>
"""
_REDOC = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>libelle: the API</title>
<link rel="icon" href="{STATIC}/favicon.png">
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="{STATIC}/redoc.standalone.js"></script>
</body>
</html>
"""


@router.get("/")
async def home() -> Response:
    """Lead to Swagger."""
    return RedirectResponse("docs")


@router.get("/docs")
async def docs() -> Response:
    """Show the API in Swagger."""
    return _page(_SWAGGER)


@router.get("/redoc")
async def redoc() -> Response:
    """Show the API in Redoc."""
    return _page(_REDOC)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Describe the API to programs."""
    return Response(render_openapi(request.app), media_type="application/json")


@router.get(f"/{STATIC}/start-swagger.js")
async def start_swagger() -> Response:
    """Return what starts Swagger: a file of its own, so that no inline script is needed."""
    return Response(_START_SWAGGER, media_type="text/javascript")


@router.get(f"/{STATIC}/{{name}}")
async def packaged_file(name: str) -> Response:
    """Return a file that Swagger or Redoc needs."""
    if name not in PACKAGED_FILES:
        raise HTTPException(404)
    return FileResponse(_packaged_folder() / name, headers=_KEPT)


def _page(content: str) -> Response:
    return HTMLResponse(content, headers={"Content-Security-Policy": _POLICY})


@cache
def _packaged_folder() -> Path:
    """Return the folder of the package that brings Swagger and Redoc, without importing it."""
    package = find_spec("fastapi_offline")
    assert package is not None, "fastapi-offline is a dependency of the service"  # noqa: S101
    assert package.origin is not None  # noqa: S101
    return Path(package.origin).parent / "static"
