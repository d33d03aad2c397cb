"""Swagger and Redoc need no internet and stand under any sub-path."""

import re
from urllib.parse import urljoin

import pytest

PREFIX = "/proxy/8000/"
LINK = re.compile(r'(?:href|src|spec-url)="([^"]+)"')


@pytest.fixture(params=["configured, not stripped", "configured, stripped", "only stripped"])
def fetch(request, make_client):
    """Return a function that fetches an address of a browser through a proxy."""
    stripped = request.param.endswith(" stripped") and "not" not in request.param
    root_path = PREFIX if request.param.startswith("configured") else ""
    client = make_client(root_path=root_path)

    def fetch_through_proxy(path):
        assert path.startswith(PREFIX), f"{path} leaves the sub-path"
        return client.get(path.removeprefix(PREFIX[:-1]) if stripped else path)

    return fetch_through_proxy


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_every_link_of_a_page_stays_under_the_sub_path(fetch, page):
    address = PREFIX + page
    response = fetch(address)
    links = LINK.findall(response.text)
    assert len(links) >= 3
    for link in links:
        assert not re.match(r"/|\w+:", link), f"{link} is not relative"
        assert fetch(urljoin(address, link)).status_code == 200
    assert "http" not in response.text


def test_swagger_is_started_with_the_description_beside_it(fetch):
    script = fetch(PREFIX + "static/start-swagger.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert 'new URL("openapi.json", document.baseURI)' in script.text
    assert "http" not in script.text


def test_requests_tried_from_a_page_stay_under_the_sub_path(fetch):
    address = PREFIX + "openapi.json"
    description = fetch(address).json()
    [server] = description["servers"]
    base = urljoin(address, server["url"]).rstrip("/")
    for path, operations in description["paths"].items():
        if "get" in operations and "{" not in path:
            assert fetch(base + path).status_code == 200


def test_the_root_leads_to_swagger(fetch):
    response = fetch(PREFIX)
    assert response.status_code == 307
    assert urljoin(PREFIX, response.headers["location"]) == PREFIX + "docs"


def test_the_sub_path_without_its_slash_leads_to_the_root(make_client):
    response = make_client(root_path="proxy/8000").get("/proxy/8000")
    assert urljoin("/proxy/8000", response.headers["location"]) == PREFIX


def test_pages_forbid_what_comes_from_elsewhere(client):
    for page in ("/docs", "/redoc"):
        response = client.get(page)
        assert "script-src 'self';" in response.headers["content-security-policy"]
        assert not re.search(r"<script>|\son\w+=", response.text)
