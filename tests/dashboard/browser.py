"""A real browser, driven by its own protocol: what it shows, says, asks and refuses."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from itertools import count

from websockets.sync.client import connect

from tests.servers import free_port

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "about:blank"]


@contextmanager
def browsing(profile):
    """Start a browser; give the tab that is open in it."""
    port = free_port()
    command = [BROWSER, f"--remote-debugging-port={port}", f"--user-data-dir={profile}", *_OPTIONS]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            with connect(_address_of_tab(port), max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.terminate()


def _address_of_tab(port):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=2) as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
        except OSError:
            pages = []
        if pages:
            return pages[0]["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise RuntimeError("the browser did not start")


class Tab:
    """A tab: commands go in, events pile up."""

    def __init__(self, socket) -> None:
        self._socket, self._numbers = socket, count(1)
        self.events = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def do(self, method, **params):
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            heard = json.loads(self._socket.recv(timeout=60))
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return heard["result"]
            self.events.append(heard)

    def go(self, address) -> None:
        """Open a page, and wait until it is there."""
        self.events.clear()
        self.do("Page.navigate", url=address)
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            self.events.append(json.loads(self._socket.recv(timeout=60)))

    def ask(self, expression):
        """Return what an expression is worth in the page."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def look_as(self, *, width, height=900, dark=False) -> None:
        """Be a screen of some width, with a light or a dark theme, on which nothing moves."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.do("Emulation.setEmulatedMedia", media="screen", features=[theme, still])

    def press(self, key, code=0) -> None:
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def picture(self) -> bytes:
        """Return the whole page as a PNG."""
        size = self.do("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.do("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def complaints(self) -> list[str]:
        """Return what the browser refused, or failed on."""
        told = [one["params"]["entry"] for one in self.events if one["method"] == "Log.entryAdded"]
        failed = [one for one in self.events if one["method"] == "Runtime.exceptionThrown"]
        return [entry["text"] for entry in told] + [json.dumps(one) for one in failed]

    def addresses(self) -> list[str]:
        """Return what the page asked for."""
        sent = [one for one in self.events if one["method"] == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent]
