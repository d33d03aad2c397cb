"""What goes out: to the addresses that were given, and to no other."""

import datetime
import http.server
import ipaddress
import ssl
import threading
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libelle.errors import StorageError, TrackingError
from libelle.storage import StorageOptions, open_binary
from libelle.tracking.client import connect, within

KEY = {"access_key_id": "key", "secret_access_key": "geheim", "region": "eu-west-3"}
STATUSES = (301, 302, 307, 308)


@contextmanager
def server(answer, certificate=None):
    """Run a server that answers every request in one way; give its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        do_POST = do_HEAD = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_port
        running.shutdown()


@contextmanager
def elsewhere():
    """Run a server where nobody should come; give its port and the addresses that were asked."""
    asked = []

    def answer(handler):
        asked.append(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with server(answer) as port:
        yield port, asked


@contextmanager
def redirecting(status):
    """Run a server that sends everybody to another one; give its port and what that one got."""
    with elsewhere() as (other, asked):

        def answer(handler):
            handler.send_response(status)
            # Another name of this machine: another host to whoever follows.
            handler.send_header("Location", f"http://localhost:{other}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with server(answer) as port:
            yield port, asked


def ask_mlflow(tracking_uri):
    client = connect(tracking_uri)
    return within(
        20,
        lambda _: client.get_model_version_by_alias("demo", "champion"),
        tracking_uri=tracking_uri,
        purpose="say which model answers",
    )


@pytest.mark.parametrize("status", STATUSES)
def test_s20_mlflow_is_not_followed_elsewhere(status):
    with redirecting(status) as (port, asked):
        with pytest.raises(TrackingError, match="sends elsewhere"):
            ask_mlflow(f"http://me:geheim@127.0.0.1:{port}")
        assert asked == []


@pytest.mark.parametrize("status", STATUSES)
def test_s20_s3_is_not_followed_elsewhere(status):
    with redirecting(status) as (port, asked):
        options = StorageOptions(
            endpoint_url=f"http://127.0.0.1:{port}", deadline_seconds=10, **KEY
        )
        with (
            pytest.raises(StorageError, match="cannot be read"),
            open_binary("s3://bucket/a.csv", options) as stream,
        ):
            stream.read()
        assert asked == []


@pytest.mark.parametrize("status", STATUSES)
def test_s20_nor_is_the_s3_of_mlflow(status):
    with redirecting(status) as (port, asked):
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="key",
            aws_secret_access_key="geheim",
            region_name="eu-west-3",
            config=Config(retries={"max_attempts": 1}),
        )
        # botocore asks the same server where the bucket is, again and again.
        with pytest.raises((ClientError, RecursionError)):
            client.get_object(Bucket="bucket", Key="a")
        assert asked == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


def count_in(asked):
    def answer(handler):
        asked.append(handler.path)

    return answer


def test_s20_an_mlflow_that_nobody_vouches_for_is_told_nothing(certificate):
    asked = []
    with (
        server(count_in(asked), certificate) as port,
        pytest.raises(TrackingError, match="vouches for its certificate"),
    ):
        ask_mlflow(f"https://me:geheim@127.0.0.1:{port}")
    assert asked == []


def test_s20_an_s3_that_nobody_vouches_for_is_told_nothing(certificate):
    asked = []
    with server(count_in(asked), certificate) as port:
        options = StorageOptions(
            endpoint_url=f"https://127.0.0.1:{port}", deadline_seconds=10, **KEY
        )
        with (
            pytest.raises(StorageError, match="cannot be read"),
            open_binary("s3://bucket/a.csv", options) as stream,
        ):
            stream.read()
    assert asked == []
