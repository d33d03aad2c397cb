"""A model is loaded in a process of its own first: what it does there does no harm here."""

import json
import os
import shutil
import signal
import sys
import time

import pytest

from api.loading import LoadedModel, ModelSource, load_model, load_safely, refuse_wrong_answers
from api.server.trial import try_apart
from libelle.errors import ModelError, UsageError
from libelle.predictor import Predictor

BOUNDS = {"seconds": 20.0, "n_bytes": 2**30, "purpose": "load the model"}


def test_a_sound_model_is_loaded(settings, model_folder, model):
    loaded = load_safely(ModelSource(model_folder), settings)
    assert loaded.predictor.digest == model.predictor.digest


@pytest.mark.parametrize("n_digits", [12, 64])
def test_a_pinned_digest_is_that_of_the_model(settings, model_folder, model, n_digits):
    pinned = settings.model_copy(update={"model_digest": model.predictor.digest[:n_digits]})
    assert load_safely(ModelSource(model_folder), pinned).predictor.digest


def test_another_digest_than_the_pinned_one_is_refused(settings, model_folder):
    pinned = settings.model_copy(update={"model_digest": "0" * 64})
    with pytest.raises(ModelError, match="LIBELLE_MODEL_DIGEST"):
        load_safely(ModelSource(model_folder), pinned)


def test_fault_14_a_damaged_model_is_refused(settings, model_folder, tmp_path):
    damaged = shutil.copytree(model_folder, tmp_path / "damaged")
    path = damaged / "coefficients.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_safely(ModelSource(damaged), settings)


def test_fault_16_a_pickle_is_never_opened(settings, model_folder, tmp_path):
    poisoned = shutil.copytree(model_folder, tmp_path / "poisoned")
    canary = tmp_path / "canary"
    (poisoned / "model.pkl").write_bytes(f"cos\nsystem\n(S'touch {canary}'\ntR.".encode())
    with pytest.raises(ModelError, match="does not name"):
        load_safely(ModelSource(poisoned), settings)
    assert not canary.exists()


def test_fault_18_a_model_that_answers_otherwise_than_when_made_is_refused(model):
    class Changed:
        def answers_golden_texts(self):
            return False

    with pytest.raises(ModelError, match="golden texts"):
        refuse_wrong_answers(LoadedModel(Changed(), "demo", None, model.loaded_at))


def test_a_model_not_certified_for_the_target_is_refused(settings, model_folder):
    aimed = settings.model_copy(update={"target_error": 0.01})
    with pytest.raises(ModelError, match="LIBELLE_TARGET_ERROR"):
        load_safely(ModelSource(model_folder), aimed)


def test_fault_15_a_work_that_crashes_leaves_this_process_alive():
    with pytest.raises(ModelError, match=r"crashed when it tried to load the model \(SIGSEGV"):
        try_apart(lambda: os.kill(os.getpid(), signal.SIGSEGV), **BOUNDS)


def test_fault_15_a_work_that_never_ends_is_given_up():
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"more than 0\.3 seconds"):
        try_apart(lambda: time.sleep(60), **{**BOUNDS, "seconds": 0.3})
    assert time.monotonic() - began < 20


def test_fault_15_a_work_that_takes_too_much_memory_is_refused():
    with pytest.raises(ModelError, match="LIBELLE_LOAD_MEMORY_BYTES"):
        try_apart(lambda: bytearray(2**28), **{**BOUNDS, "n_bytes": 2**26})


def test_fault_4_a_signal_that_ends_the_wait_ends_the_work_too():
    def end(_signal, _frame):
        sys.exit(0)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(SystemExit):
            try_apart(lambda: time.sleep(60), **BOUNDS)
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_work_that_raises_says_why():
    def refuse():
        raise UsageError("Not like that.")

    with pytest.raises(ModelError, match="Not like that"):
        try_apart(refuse, **BOUNDS)
    with pytest.raises(ModelError, match="failed when it tried to load the model"):
        try_apart(lambda: 1 / 0, **BOUNDS)


def test_fault_17_a_model_whose_codes_contradict_its_weights_is_refused(model_folder, tmp_path):
    changed = shutil.copytree(model_folder, tmp_path / "changed")
    manifest = json.loads((changed / "manifest.json").read_text())
    manifest["classifier"]["parameters"]["classifier"] = {"family": "none", "parameters": {}}
    (changed / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError):
        load_model(ModelSource(changed))
    assert Predictor.load(model_folder)
