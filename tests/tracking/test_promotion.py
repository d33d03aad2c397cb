"""What promotion promises: the champion changes by a pass or an override, and goes back."""

import json
import shutil
from pathlib import Path

import pytest

from libelle.data.datasets import Dataset
from libelle.data.fingerprints import Fingerprints
from libelle.decision import Guarantee, GuaranteeStatus
from libelle.errors import TrackingError, UsageError
from libelle.predictor import Predictor
from libelle.tracking.client import connect
from libelle.tracking.gate import Limits
from libelle.tracking.promotion import compare, measure, one_text_a_key, promote, roll_back
from libelle.tracking.registry import register_model
from libelle.tracking.registry.history import MoveStatus, read_history
from libelle.tracking.runs import default_tracking_uri
from tests.classifiers.corpus import make_corpus
from tests.tracking.models import make_predictor

LARGE = Limits(margin=0.03, latency_ratio=100.0)  # Neither few texts nor a busy machine decide.


@pytest.fixture(scope="module")
def store(tmp_path_factory, empty_store, folders) -> Path:
    """A registry with a champion, an older version and a challenger that answers as it does."""
    home = tmp_path_factory.mktemp("store")
    shutil.copy(empty_store, home / "mlflow.db")
    for folder in folders:
        register_model(folder, name="demo", tracking_uri=default_tracking_uri(home), by="Ada")
    return home


@pytest.fixture
def tracking_uri(tmp_path, store) -> str:
    """A copy of that registry: its models stay where they are."""
    shutil.copy(store / "mlflow.db", tmp_path / "mlflow.db")
    return default_tracking_uri(tmp_path)


@pytest.fixture(scope="module")
def destination(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Coded texts, each twice."""
    texts, codes = make_corpus()
    numbered = [f"{text} {number}" for number in range(3) for text in texts]
    return Dataset(texts=numbered * 2, codes=codes * 6, name="fresh.csv")


@pytest.fixture
def asked(tracking_uri, destination):
    return {
        "by": "Ada",
        "tracking_uri": tracking_uri,
        "destination": destination,
        "limits": LARGE,
    }


def worse(path: Path) -> Predictor:
    """Load a model; the challenger, version 3, does not answer its golden texts any more."""
    predictor = Predictor.load(path)
    predictor.answers_golden_texts = lambda: not path.name.startswith("3-")
    return predictor


def holders(tracking_uri):
    return dict(read_history("demo", tracking_uri=tracking_uri).holders)


def verdict_of(move, tracking_uri, tmp_path, version="3"):
    client = connect(tracking_uri)
    run_id = client.get_model_version("demo", version).run_id
    return json.loads(Path(client.download_artifacts(run_id, move.verdict, tmp_path)).read_bytes())


def test_a_challenger_that_passes_becomes_champion(asked, dataset, tracking_uri, tmp_path):
    promotion = promote("demo", dataset, **asked)
    assert promotion.verdict["passed"]
    assert holders(tracking_uri) == {"champion": "3"}
    move = read_history("demo", tracking_uri=tracking_uri).moves[-1]
    assert (move.kind.value, move.by, move.status) == ("promote", "Ada", MoveStatus.DONE)
    assert "checks passed" in move.why
    assert verdict_of(move, tracking_uri, tmp_path) == promotion.verdict
    assert "version 3 is champion, 1 was" in promotion.lines()[-1]


def test_a_challenger_that_fails_changes_nothing_but_its_verdict_is_kept(
    asked, dataset, tracking_uri
):
    promotion = promote("demo", dataset, load=worse, **asked)
    assert promotion.move is None
    assert holders(tracking_uri) == {"champion": "1", "challenger": "3"}
    run_id = connect(tracking_uri).get_model_version("demo", "3").run_id
    assert connect(tracking_uri).list_artifacts(run_id, "gate")
    assert promotion.lines()[-1].startswith("Not promoted: golden. Version 1 stays champion")


def test_an_override_promotes_in_spite_of_the_gate_and_its_reason_is_kept(
    asked, dataset, tracking_uri
):
    promotion = promote("demo", dataset, load=worse, override=" new codes ", **asked)
    assert holders(tracking_uri)["champion"] == "3"
    assert (promotion.move.kind.value, promotion.move.why) == ("override", "new codes")
    assert "in spite of golden (new codes)" in promotion.lines()[-1]


def test_another_version_than_the_challenger_may_be_promoted(asked, dataset, tracking_uri):
    promote("demo/2", dataset, **asked)
    assert holders(tracking_uri) == {"champion": "2", "challenger": "3"}


def test_the_verdict_holds_no_text(asked, dataset, tracking_uri):
    verdict = json.dumps(promote("demo", dataset, **asked).verdict)
    assert not [text for text in dataset.texts if text in verdict]


@pytest.mark.parametrize("model", ["demo/1", "demo@champion", "models:/demo@champion"])
def test_a_model_is_not_compared_with_itself(asked, dataset, model):
    with pytest.raises(UsageError, match="is the champion itself"):
        promote(model, dataset, **asked)


@pytest.mark.parametrize("model", ["", "demo/0", "demo/x", "a/b/1"])
def test_what_names_no_model_is_refused(asked, dataset, model):
    with pytest.raises(UsageError, match="names no model"):
        promote(model, dataset, **asked)


def test_without_champion_there_is_nothing_to_compare_with(asked, dataset, tracking_uri):
    connect(tracking_uri).delete_registered_model_alias("demo", "champion")
    with pytest.raises(TrackingError, match=r"no champion.*rollback demo --to"):
        promote("demo", dataset, **asked)
    roll_back("demo", to="1", reason="deleted by mistake", by="Ada", tracking_uri=tracking_uri)
    assert holders(tracking_uri)["champion"] == "1"


def test_a_champion_that_moved_while_the_models_answered_stays(asked, dataset, tracking_uri):
    def move_meanwhile(path):
        connect(tracking_uri).set_registered_model_alias("demo", "champion", "2")
        return Predictor.load(path)

    with pytest.raises(TrackingError, match="champion of 'demo' went from version 1 to 2"):
        promote("demo", dataset, load=move_meanwhile, **asked)
    assert holders(tracking_uri)["champion"] == "2"


def test_a_registry_that_dies_while_the_alias_moves_is_settled_by_the_next_command(
    asked, dataset, tracking_uri, monkeypatch
):
    from mlflow import MlflowClient

    tag = MlflowClient.set_registered_model_tag

    def fail_to_settle(client, name, key, value):
        if key.endswith(".settled"):
            raise OSError("the registry went away")
        tag(client, name, key, value)

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_registered_model_tag", fail_to_settle)
        with pytest.raises(TrackingError, match="could not promote version 3 of 'demo'"):
            promote("demo", dataset, **asked)
    assert "[half-done]" in read_history("demo", tracking_uri=tracking_uri).lines()[-2]
    with pytest.raises(UsageError, match="is the champion itself"):
        promote("demo/3", dataset, **asked)
    assert "half-done" not in "".join(read_history("demo", tracking_uri=tracking_uri).lines())
    assert holders(tracking_uri) == {"champion": "3"}


def test_a_registry_that_is_down_changes_nothing(asked, dataset):
    with pytest.raises(TrackingError, match="nobody answers there"):
        promote("demo", dataset, **{**asked, "tracking_uri": "http://127.0.0.1:9"})


def test_the_previous_champion_comes_back_and_then_there_is_none_before(
    asked, dataset, tracking_uri
):
    promote("demo", dataset, **asked)
    back = {"reason": "worse on roads", "by": "Ada", "tracking_uri": tracking_uri}
    move = roll_back("demo", **back)
    assert holders(tracking_uri) == {"champion": "1"}
    assert (move.kind.value, move.why) == ("rollback", "worse on roads")
    with pytest.raises(UsageError, match="no champion to go back to"):
        roll_back("demo", **back)
    assert roll_back("demo", to="3", **back).changes[0].after == "3"


def test_only_a_former_champion_comes_back(tracking_uri):
    back = {"reason": "why not", "by": "Ada", "tracking_uri": tracking_uri}
    with pytest.raises(UsageError, match="never was champion"):
        roll_back("demo", to="2", **back)
    with pytest.raises(UsageError, match="is champion already"):
        roll_back("demo", to="1", **back)


def test_a_deleted_version_does_not_come_back(asked, dataset, tracking_uri):
    promote("demo", dataset, **asked)
    connect(tracking_uri).delete_model_version("demo", "1")
    with pytest.raises(TrackingError, match="has no version 1"):
        roll_back("demo", reason="back", by="Ada", tracking_uri=tracking_uri)
    assert holders(tracking_uri) == {"champion": "3"}


def test_a_text_that_repeats_counts_once(dataset):
    once = one_text_a_key(dataset)
    assert len(once) == len(set(dataset.keys)) < len(dataset)
    coded = set(zip(dataset.texts, dataset.codes, strict=True))
    assert set(zip(once.texts, once.codes, strict=True)) <= coded


def test_answers_are_those_that_the_model_gives(folders, dataset):
    predictor = Predictor.load(folders[0])
    predictor.guarantee = Guarantee(GuaranteeStatus.GUARANTEED, 0.1, 0.05, 0.1, "id", 0.5)
    texts = Dataset(texts=["0101", *dataset.texts[:50]], codes=["0101", *dataset.codes[:50]])
    answers = measure(predictor, texts, seconds=0.001)
    predictions = predictor.predict(texts.texts)
    assert answers.automatic.tolist() == [one.decision == "automatic" for one in predictions]
    assert answers.confidences.tolist() == [one.confidence for one in predictions]
    assert (answers.right[0], answers.answered[0]) == (False, False)
    assert answers.right[1:].mean() > 0.9
    assert answers.golden


def test_texts_that_a_model_was_made_with_are_warned_of(folders, dataset):
    predictors = {"champion": Predictor.load(folders[0]), "challenger": Predictor.load(folders[1])}
    seen = {"challenger": Fingerprints().adding(dataset.keys[:5])}
    told = compare(predictors, dataset, seen=seen)["warnings"]
    assert len(told) == 1
    assert told[0].startswith("The challenger was made with 5 of ")
    about = {"fit": {"digest": dataset.digest, "n_texts": len(dataset)}}
    predictors["champion"].manifest = {**predictors["champion"].manifest, "data": about}
    [told] = compare(predictors, dataset)["warnings"]
    assert told.startswith("The champion was made with these texts, its part 'fit'")


def test_codes_that_a_model_never_saw_are_counted(folders, dataset):
    predictors = {"champion": Predictor.load(folders[0]), "challenger": Predictor.load(folders[1])}
    strange = Dataset(texts=dataset.texts[:9], codes=["9999", *dataset.codes[1:9]])
    verdict = compare(predictors, strange)
    assert verdict["data"]["n_unknown_codes"] == {"champion": 1, "challenger": 1}
    assert "1 of 9 texts have a code that the champion has never seen" in verdict["warnings"][0]


def test_segments_are_top_level_codes_or_a_column(folders, dataset):
    predictors = {"champion": Predictor.load(folders[0]), "challenger": Predictor.load(folders[1])}
    limits = Limits(segment_least_texts=1)
    tops = compare(predictors, dataset, limits=limits)["segments"]
    assert {one["name"] for one in tops} == set(dataset.codes)
    grouped = Dataset(texts=["a b", "c d"], codes=dataset.codes[:2], groups=["web", ""])
    named = compare(predictors, grouped, segment="channel", limits=limits)["segments"]
    assert {one["name"] for one in named} == {"web", "(empty)"}


def test_a_worse_model_does_not_pass(dataset):
    texts, codes = make_corpus()
    good, bad = make_predictor(), make_predictor()
    bad.classifier.fit(texts, codes[8:] + codes[:8])
    for predictor in (good, bad):
        predictor.manifest = {**predictor.manifest, "files": {}}
    verdict = compare({"champion": good, "challenger": bad}, dataset, limits=LARGE)
    failed = {check["name"] for check in verdict["checks"] if not check["passed"]}
    assert {"accuracy", "segments"} <= failed
