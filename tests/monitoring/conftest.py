"""A real S3 server, and a log on it."""

import pytest

from libelle.storage import open_filesystem
from tests.monitoring.predictions import make_options, s3_options
from tests.servers import moto


@pytest.fixture(scope="module")
def s3():
    """Give the options of a server with a bucket, and its process."""
    with moto() as (endpoint, process):
        options = s3_options(int(endpoint.rpartition(":")[2]), deadline_seconds=10)
        open_filesystem("s3://bucket", options)[0].mkdir("bucket")
        yield options, process


@pytest.fixture
def on_s3(s3, tmp_path):
    """Give the options of a log of its own."""
    return make_options(tmp_path, uri=f"s3://bucket/{tmp_path.name}", storage=s3[0])
