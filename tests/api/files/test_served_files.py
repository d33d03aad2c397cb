"""Files through the real server: at the pace of the client, in bounded memory."""

import contextlib
import csv
import http.client
import io
import json
import socket
import time
from pathlib import Path

import pytest

from tests.api.test_serve import call, serving

HEAD = (
    b"POST /v1/predict/file HTTP/1.1\r\nHost: libelle\r\nContent-Type: text/csv\r\n"
    b"X-Request-ID: file\r\nTransfer-Encoding: chunked\r\n\r\n"
)
TEXTS = (
    "Nid de poule rue de la Gare",
    "Inscription à la crèche",
    "Lampadaire éteint, quartier Nord",
)


@pytest.fixture(scope="module")
def served(model_folder, tmp_path_factory):
    with serving(model_folder, tmp_path_factory.mktemp("served")) as (port, process, log):
        yield port, process, log


def make_csv(n_rows, padding=""):
    written = io.StringIO(newline="")
    rows = ([str(n), TEXTS[n % 3], padding] for n in range(n_rows))
    csv.writer(written).writerows([["n", "text", "more"], *rows])
    return written.getvalue().encode()


def read_rows(content):
    *rows, last = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
    assert last["n"] == "#end"
    return rows, json.loads(last["error"])


def in_chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


def open_exchange(port, timeout=20):
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    connection.sendall(HEAD)
    return connection


def read_until(connection, wanted):
    received = b""
    while wanted not in received:
        received += (part := connection.recv(1 << 16))
        assert part, received[-500:]
    return received


def test_a_client_that_sends_everything_before_it_reads(served):
    port, _, _ = served
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "text/csv"}
    with contextlib.closing(connection):
        # More than all buffers between the two hold, in and out.
        connection.request("POST", "/v1/predict/file", make_csv(10_000, "x" * 300), headers)
        rows, end = read_rows(connection.getresponse().read())
        assert end == {"rows": 10_000, "errors": 0}
        assert [row["n"] for row in rows] == [str(n) for n in range(10_000)]
        assert {row["top_code"] for row in rows[::3]} == {"0101"}
        connection.request("POST", "/v1/predict/file", b"n,text\n1,a\n", headers)
        assert read_rows(connection.getresponse().read())[1] == {"rows": 1, "errors": 0}


def test_answers_come_before_the_file_has_ended(served):
    port, _, _ = served
    with contextlib.closing(open_exchange(port)) as connection:
        connection.sendall(in_chunk(b"n,text\n"))
        head = read_until(connection, b"roll_up,error\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        for number in range(5):
            connection.sendall(in_chunk(b"%d,Cr\xc3\xa8che\n" % number))
            read_until(connection, b"%d,Cr\xc3\xa8che," % number)
        connection.sendall(b"0\r\n\r\n")
        assert b'""rows"":5' in read_until(connection, b"\r\n0\r\n\r\n")


def test_a_client_that_leaves_stops_the_work(served):
    port, _, log = served
    with contextlib.closing(open_exchange(port)) as connection:
        connection.sendall(in_chunk(make_csv(5_000)))
        read_until(connection, b"0201")
    wait_for_line(log, "Request file: the client left")
    assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200


def test_a_client_that_leaves_without_reading_stops_the_work(served):
    port, _, log = served
    before = log.read_text().count("the client left")
    with contextlib.closing(open_exchange(port)) as connection:
        # Its answer is larger than all buffers between the two.
        connection.sendall(in_chunk(make_csv(20_000)) + b"0\r\n\r\n")
        time.sleep(0.5)
    wait_for_line(log, "the client left", n_times=before + 1)


def wait_for_line(log, line, n_times=1):
    deadline = time.monotonic() + 10
    while log.read_text().count(line) < n_times:
        assert time.monotonic() < deadline, log.read_text()[-2_000:]
        time.sleep(0.05)


def worker_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


def peak_bytes(pid):
    [line] = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize(
    ("n_rows", "padding"),
    [(20_000, 1_000), pytest.param(200_000, 1_000, marks=pytest.mark.long)],
    ids=["20 MB", "200 MB"],
)
def test_memory_does_not_grow_with_the_file(served, n_rows, padding):
    port, process, _ = served
    pid = worker_of(process)
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak begins again from now.
    before = peak_bytes(pid)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    with contextlib.closing(connection):
        content = make_csv(n_rows, "x" * padding)
        connection.request("POST", "/v1/predict/file", content, {"Content-Type": "text/csv"})
        response = connection.getresponse()
        last = b""
        while part := response.read(1 << 16):
            last = (last + part)[-200:]
    assert b"#end" in last
    assert peak_bytes(pid) - before < 60_000_000
