"""Models that cannot be trusted: the service neither starts with them nor changes for them."""

import json
import shutil

import numpy as np
import pytest

from libelle.predictor.folder import (
    GOLDEN,
    MANIFEST,
    fingerprint_files,
    read_strings,
    write_json,
    write_manifest,
    write_strings,
)
from tests.api.test_metrics_served import scrape_until
from tests.api.test_serve import call, serving
from tests.exposition import total
from tests.servers import free_port


class Poison:
    """Leaves a canary when it is unpickled."""

    def __reduce__(self):
        return exec, ("open('canary', 'w').close()",)


def shorten(folder):
    path = folder / "coefficients.npy"
    path.write_bytes(path.read_bytes()[:-1])


def flip(name):
    def flip_last_byte(folder):
        content = bytearray((folder / name).read_bytes())
        content[-2] ^= 1
        (folder / name).write_bytes(content)

    return flip_last_byte


def add_pickle(folder):
    (folder / "model.pkl").write_bytes(b"cbuiltins\nexec\n(S\"open('canary', 'w')\"\ntR.")


def poison_array(folder):
    np.save(folder / "coefficients.npy", np.array([Poison()]), allow_pickle=True)
    sign_again(folder)


def add_code(folder):
    write_strings(folder, "classes", [*read_strings(folder, "classes"), "0399"])
    sign_again(folder)


def change_golden(folder):
    answers = json.loads((folder / GOLDEN).read_text())
    answers[-1]["confidence"] /= 2
    write_json(folder / GOLDEN, answers)
    sign_again(folder)


def sign_again(folder):
    """Let the digests be those of the files, as whoever changed them on purpose would."""
    manifest = json.loads((folder / MANIFEST).read_text())
    found = fingerprint_files(folder)
    write_manifest(folder, manifest | {"files": {name: found[name] for name in manifest["files"]}})


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(shorten, "SHA-256 differs", id="14 a byte less"),
        pytest.param(flip("words.utf8.npy"), "SHA-256 differs", id="14 another byte"),
        pytest.param(flip(MANIFEST), "SHA-256 differs", id="14 another manifest"),
        pytest.param(add_pickle, "does not name", id="16 and s13 a pickle beside"),
        pytest.param(poison_array, "contradict each other", id="16 and s13 a pickle in an array"),
        pytest.param(add_code, "contradict each other", id="17 codes without weights"),
        pytest.param(change_golden, "golden texts", id="18 other answers"),
    ],
)
def test_faults_14_16_17_18_and_s13_a_service_does_not_start_with(
    model_folder, tmp_path, spoil, complaint
):
    spoilt = shutil.copytree(model_folder, tmp_path / "spoilt")
    spoil(spoilt)
    starts = serving(spoilt, tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"did not become ready \(exit 1"), starts:
        pass
    said = (tmp_path / "serve.log").read_text()
    assert complaint in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("canary"))


# A registry that gives a model, another that kills what loads it, one without end, then nothing.
PROGRAM = """
import os, signal, time
from pathlib import Path
import api.loading, api.watching
from libelle.cli import main

load = api.loading.load_model

def load_model(source, **options):
    if source.version == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if source.version == "hangs":
        time.sleep(600)
    return load(source, **options)

def watch(settings):
    parent = os.getppid()
    for said in ("sound", "crashes", "hangs", "silence"):
        while not Path(said).exists():
            if os.getppid() != parent:
                return
            time.sleep(0.05)
        if said == "silence":
            yield api.watching.Failure("nobody answers", unreachable=True)
        else:
            yield api.loading.ModelSource(Path("model"), "followed", said)

api.loading.load_model = load_model
api.watching.watch = watch
main()
"""


def test_faults_13_and_15_what_a_registry_says_or_not_leaves_the_model_that_is_served(
    model_folder, tmp_path
):
    (tmp_path / "model").symlink_to(model_folder)
    (tmp_path / "sound").touch()
    metrics = free_port()
    changes = {"LIBELLE_LOAD_SECONDS": "1", "LIBELLE_METRICS_PORT": str(metrics)}
    following = ("models:/followed@champion", tmp_path)
    with serving(*following, program=("-c", PROGRAM), **changes) as (port, process, log):
        told = [("crashes", "refused"), ("hangs", "refused"), ("silence", "unreachable")]
        for n_failures, (said, failure) in enumerate(told, start=1):
            (tmp_path / said).touch()
            scrape_until(
                metrics,
                lambda found, n=n_failures: total(found, "libelle_failed_reloads_total") == n,
            )
            status, _, ready = call(port, "GET", "/health/ready")
            assert (status, ready["reload"]["failure"]) == (200, failure)
            assert call(port, "GET", "/v1/model")[2]["version"] == "sound"
            assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200
        process.terminate()
        assert process.wait_for_end() == 0
    assert "SIGSEGV" in log.read_text()
    assert "more than 1" in log.read_text()
