"""Storage: read whole, written whole or not at all, and never waited for without end."""

import resource
import signal
import socket
import time
from contextlib import contextmanager

import pytest

from libelle.data.datasets import read_dataset
from libelle.errors import StorageError
from libelle.storage import (
    DEFAULT_OPTIONS,
    StorageOptions,
    local_copy,
    open_binary,
    open_filesystem,
    redact,
    write_atomically,
)
from tests.servers import answering, free_port, moto, refusal, serving_files

KEY = {"access_key_id": "key", "secret_access_key": "geheim", "region": "eu-west-3"}


@pytest.fixture(scope="module")
def s3():
    with moto() as (endpoint, _):
        options = StorageOptions(endpoint_url=endpoint, deadline_seconds=20, **KEY)
        filesystem, _ = open_filesystem("s3://bucket", options)
        filesystem.mkdir("bucket")
        yield options


@pytest.fixture
def site(tmp_path):
    """Serve `tmp_path` on loopback."""
    with serving_files(tmp_path) as address:
        yield address


def read(uri, options=DEFAULT_OPTIONS):
    with open_binary(uri, options) as stream:
        return stream.read()


def write(uri, then=lambda: None, options=DEFAULT_OPTIONS):
    with write_atomically(uri, options) as stream:
        stream.write(b"content")
        then()


def interrupt():
    raise KeyboardInterrupt


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "modèle.bin"
    path.write_bytes(b"before")
    with write_atomically(path) as stream:
        stream.write(b"after")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_stood_before_still_stands_after_an_error(tmp_path):
    path = tmp_path / "modèle.bin"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write(path, interrupt)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def no_more_than(n_bytes):
    """Limit the size of the files that this process writes: the system refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_leaves_what_stood_before(tmp_path):
    path = tmp_path / "modèle.bin"
    path.write_bytes(b"before")
    with no_more_than(3), pytest.raises(StorageError, match="cannot be written: no space is left"):
        write(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_writer_is_not_renamed(tmp_path):
    broken = (tmp_path / "absent").open
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "m", broken)
    assert not isinstance(caught.value, StorageError)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"m cannot be written: no folder .*absent"):
        write(tmp_path / "absent" / "m")


@pytest.mark.parametrize(
    ("name", "message"), [("absent.csv", "does not exist"), (".", "it is a folder")]
)
def test_an_unreadable_path_is_told(tmp_path, name, message):
    with pytest.raises(StorageError, match=message):
        read(tmp_path / name)


def test_a_local_file_is_not_copied(tmp_path):
    path = tmp_path / "à b"
    path.write_bytes(b"content")
    with local_copy(path.as_uri()) as found:
        assert found == path


@pytest.mark.parametrize("uri", ["nulle-part://x/y", "gs://bucket/x", "sftp://host/x"])
def test_an_address_of_another_kind_is_refused(uri):
    with pytest.raises(StorageError, match=f"^{uri}.*cannot be"):
        read(uri)


def test_neither_secrets_nor_signatures_are_shown():
    assert redact("https://me:word@host/a.csv?X-Amz-Signature=abc#x") == "https://host/a.csv"
    assert redact("s3://bucket/a.csv") == "s3://bucket/a.csv"
    assert "geheim" not in repr(StorageOptions(**KEY))


def test_s3_gives_back_what_was_written(s3):
    write("s3://bucket/folder/é à.bin", options=s3)
    assert read("s3://bucket/folder/é à.bin", s3) == b"content"


def test_s3_has_nothing_after_an_error(s3):
    with pytest.raises(KeyboardInterrupt):
        write("s3://bucket/half", interrupt, s3)
    with pytest.raises(StorageError, match="nothing stands at this address"):
        read("s3://bucket/half", s3)


def test_coded_texts_are_read_from_s3(s3):
    with write_atomically("s3://bucket/achats.csv", s3) as stream:
        stream.write(b"text;code\npain;0111\nlait;0114\n")
    dataset = read_dataset("s3://bucket/achats.csv", text="text", code="code", options=s3)
    assert (dataset.codes, dataset.uri) == (["0111", "0114"], "s3://bucket/achats.csv")


def test_a_bucket_that_does_not_exist_is_told(s3):
    with pytest.raises(StorageError, match="Check the bucket"):
        read("s3://absent/a", s3)
    with pytest.raises(StorageError, match=r"cannot be written: .*Check the bucket"):
        write("s3://absent/a", options=s3)


def test_a_refused_key_is_told_and_not_shown():
    with moto(INITIAL_NO_AUTH_ACTION_COUNT="0") as (endpoint, _):
        options = StorageOptions(endpoint_url=endpoint, deadline_seconds=20, **KEY)
        with pytest.raises(StorageError, match="access is refused") as caught:
            read("s3://bucket/a", options)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "ExpiredToken", "the key and its expiry"),
        (400, "InvalidToken", "the key and its expiry"),
        (403, "RequestTimeTooSkewed", "the clock of this machine is wrong"),
    ],
)
def test_a_temporary_key_that_is_worth_nothing_and_a_wrong_clock_are_told(status, code, said):
    with answering(status, refusal(code)) as port:
        options = StorageOptions(
            endpoint_url=f"http://127.0.0.1:{port}", session_token="geheim", **KEY
        )
        for ask in (
            lambda: read("s3://bucket/a", options),
            lambda: write("s3://bucket/a", options=options),
        ):
            with pytest.raises(StorageError, match=said) as caught:
                ask()
            assert "geheim" not in str(caught.value)


def test_a_server_that_hangs_is_not_waited_for():
    with moto() as (endpoint, process):
        options = StorageOptions(endpoint_url=endpoint, deadline_seconds=2, **KEY)
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(StorageError, match="no answer within 2 seconds"):
            read("s3://bucket/a", options)
        with pytest.raises(StorageError, match="no answer within 2 seconds"):
            write("s3://bucket/a", options=options)
        assert time.monotonic() - begun < 10


def test_a_server_that_is_down_is_told_soon():
    options = StorageOptions(endpoint_url=f"http://127.0.0.1:{free_port()}", **KEY)
    begun = time.monotonic()
    with pytest.raises(StorageError, match="s3://bucket/a cannot be read: the server cannot be"):
        read("s3://bucket/a", options)
    assert time.monotonic() - begun < 10


def test_an_endpoint_without_scheme_is_https():
    options = StorageOptions(endpoint_url="minio.example.org", **KEY)
    assert open_filesystem("s3://bucket", options)[0].endpoint_url == "https://minio.example.org"


def test_coded_texts_are_read_over_http(site, tmp_path):
    (tmp_path / "achats.csv").write_bytes(b"text;code\npain;0111\nlait;0114\n")
    dataset = read_dataset(f"{site}/achats.csv?token=secret", text="text", code="code")
    assert (dataset.codes, dataset.uri) == (["0111", "0114"], f"{site}/achats.csv")


@pytest.mark.parametrize(
    ("path", "message"),
    [("absent.csv", "nothing stands at this address"), ("refused?sig=abc", "access is refused")],
)
def test_http_errors_are_told_without_the_query(site, path, message):
    with pytest.raises(StorageError, match=message) as caught:
        read(f"{site}/{path}")
    assert "abc" not in str(caught.value)


def test_a_web_server_that_hangs_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StorageError, match="no answer within 1 seconds"):
            read(f"http://127.0.0.1:{port}/a", StorageOptions(deadline_seconds=1))


@pytest.mark.parametrize("uri", ["ftp://127.0.0.1:1/x.csv", "s3://bucket", "github://a:b@c/x.csv"])
def test_whatever_an_address_is_it_fails_in_one_sentence(uri):
    with pytest.raises(StorageError) as raised:
        read_dataset(uri, text="text", code="code")
    assert "\n" not in str(raised.value)


def test_an_address_of_fsspec_is_read(tmp_path):
    (tmp_path / "requests.csv").write_text("text,code\nnid de poule,0101\n")
    assert len(read_dataset(f"local://{tmp_path}/requests.csv", text="text", code="code")) == 1
