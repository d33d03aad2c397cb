"""Swagger and Redoc as a person sees them: drawn by a browser, behind a proxy, with no internet."""

import http.client
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.api.test_serve import serving

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PREFIX = "/proxy/8000"
pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")


@contextmanager
def proxy(port):
    """Show a server under a sub-path, as JupyterLab does, and note what is asked of others."""
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if not self.path.startswith(PREFIX):
                return self.send_error(404)
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            upstream.request("GET", self.path.removeprefix(PREFIX))
            response = upstream.getresponse()
            content = response.read()
            self.send_response(response.status)
            for name in ("content-type", "content-security-policy", "location"):
                if value := response.headers.get(name):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return upstream.close()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def draw(address, profile):
    """Return the page as the browser holds it once its scripts have run."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=15000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_a_browser_shows_every_route_under_a_sub_path(model_folder, tmp_path, page):
    with serving(model_folder, tmp_path) as (port, *_), proxy(port) as (address, asked):
        drawn = draw(f"{address}{PREFIX}/{page}", tmp_path / "profile")
    for route in ("/v1/predict", "/v1/predict/batch", "/v1/models/{model}/predict"):
        assert route in drawn.replace("<wbr>", "").replace("\u200b", "")
    strangers = {path for path in asked if not path.startswith(PREFIX)} - {"/favicon.ico"}
    assert not strangers
