"""Predictor: what ships; raw text in, prediction out, in a folder that nothing has to unpickle."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import libelle
from libelle.classifiers.base import Classifier, ClassifierState, Floats
from libelle.classifiers.families import classifier_from_state
from libelle.data.levels import Level, levels_above
from libelle.data.nomenclature import Nomenclature
from libelle.data.strings import pack_strings, unpack_strings
from libelle.data.text import (
    NORMALIZER_VERSION,
    SPLIT_KEY_VERSION,
    Normalizer,
    NormalizerOptions,
)
from libelle.decision import (
    ALL_RULES,
    CONFIDENCE_DIGITS,
    DECISION_VERSION,
    Decision,
    Guarantee,
    Reason,
    RefusalRules,
    choose_guarantee,
    confidence_of,
    decide,
    typed_code,
)
from libelle.errors import LibelleError, ModelError, StorageError
from libelle.prediction_sets import prediction_sets

FORMAT_VERSION = 2
READABLE_FORMATS = (1, 2)
MANIFEST, PROVENANCE, GOLDEN = "manifest.json", "provenance.json", "golden.json"
MAX_MANIFEST_BYTES = 64 * 2**20
N_GOLDEN_TITLES = 20
GOLDEN_TOLERANCE = 2e-6
MADE_UP_TEXTS = (
    "",
    "12345",
    "demande de renseignement",
    "????",
    "Zzyzx qwrtp",
    "L'ÉCOLE ET LA RUE",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code that a text may have."""

    rank: int
    code: str
    title: str
    probability: float


@dataclass(frozen=True, slots=True)
class RollUp:
    """A code above, sure enough at its level for a text whose own code is in doubt.

    Attributes
    ----------
    level : int
        Depth, 1 at the top.
    code, title : str
    confidence : float
        Summed probability of the codes below it.
    decision : Decision
    threshold_id : str
        Of the level.
    """

    level: int
    code: str
    title: str
    confidence: float
    decision: Decision
    threshold_id: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one text; `code` and `title` are None unless the decision is automatic.

    `prediction_set` holds the codes among which the true one is, as often as the model promises;
    None when it promises nothing. `prediction_set_complete` is False when `top_k` cut it: it then
    holds the true code less often.
    """

    decision: Decision
    reason: Reason
    code: str | None
    title: str | None
    confidence: float
    candidates: tuple[Candidate, ...]
    prediction_set: tuple[str, ...] | None = None
    prediction_set_complete: bool | None = None
    roll_up: RollUp | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is known of texts before any decision.

    Attributes
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
    confidences : ndarray, shape (n_texts,)
    refusals : list of Reason or None, shape (n_texts,)
    """

    probabilities: Floats
    confidences: Floats
    refusals: list[Reason | None]


@dataclass(frozen=True, slots=True)
class GoldenAnswer:
    """What the model answered, when it was made, to a text that nobody wrote."""

    text: str
    code: str | None
    confidence: float


class Predictor:
    """Turn raw texts into predictions.

    Parameters
    ----------
    normalizer : Normalizer
    classifier : Classifier
        Fitted on texts that `normalizer` made.
    nomenclature : Nomenclature
        Titles and parents of the codes.
    about : mapping
        What the manifest says beside them: name, metrics, data fingerprint…
    provenance : mapping
        What varies between two identical trainings; outside the digest.
    refusals : RefusalRules
    guarantee : Guarantee or None
        The active promise; that of the first target of `about["thresholds"]` if None.

    Attributes
    ----------
    manifest : mapping
        As written in `manifest.json`; of a predictor not saved yet, without its files.
    digest : str
        SHA-256 of the manifest, the identity of the model; empty until it is saved.
    """

    def __init__(
        self,
        *,
        normalizer: Normalizer,
        classifier: Classifier,
        nomenclature: Nomenclature,
        about: Mapping[str, Any],
        provenance: Mapping[str, Any] | None = None,
        refusals: RefusalRules = ALL_RULES,
        guarantee: Guarantee | None = None,
    ) -> None:
        self.normalizer = normalizer
        self.classifier = classifier
        self.nomenclature = nomenclature
        self.manifest: Mapping[str, Any] = about
        self.provenance: Mapping[str, Any] = provenance or {}
        self.refusals = refusals
        self.codes: tuple[str, ...] = tuple(classifier.classes_)
        self.digest = ""
        self.levels = levels_above(self.codes, nomenclature)
        self._typed = {
            typed_code(code): code
            for code in (*nomenclature.codes, *self.codes)
            if any(map(str.isdigit, code))
        }
        self.aim_at(None)
        if guarantee is not None:
            self.guarantee = guarantee
        self._titles = tuple(map(nomenclature.title_of, self.codes))
        self._golden: tuple[GoldenAnswer, ...] = ()

    @property
    def name(self) -> str:
        """Return the name given at training."""
        return str(self.manifest["name"])

    def aim_at(self, target_error: float | None) -> None:
        """Make the promise of a target the active one; of the first declared if None.

        Raises
        ------
        ModelError
            If the model was not certified for this target.
        """
        thresholds = self.manifest.get("thresholds") or []
        of_levels = self.manifest.get("levels") or {}
        self.guarantee = choose_guarantee(thresholds, target_error)
        self._level_guarantees = [
            (level, choose_guarantee(of_levels[str(level.depth)], target_error))
            for level in self.levels
            if of_levels.get(str(level.depth))
        ]

    def promising(self, promises: Mapping[str, Any]) -> Self:
        """Return the same model under other promises: what `training.certification` proves."""
        return type(self)(
            normalizer=self.normalizer,
            classifier=self.classifier,
            nomenclature=self.nomenclature,
            about={**self.manifest, **promises},
            provenance=self.provenance,
            refusals=self.refusals,
        )

    def refuse(self, texts: Sequence[str]) -> list[Reason | None]:
        """Return why each text is refused, None if it is not."""
        return list(map(self._find_refusal, texts, self.normalizer.normalize_many(texts)))

    def score(self, texts: Sequence[str]) -> Scored:
        """Return probabilities, confidences and refusals of texts, before any decision."""
        normalized = self.normalizer.normalize_many(texts)
        probabilities = self.classifier.predict_proba(normalized)
        refusals = list(map(self._find_refusal, texts, normalized))
        return Scored(probabilities, confidence_of(probabilities), refusals)

    def predict(self, texts: Sequence[str], *, top_k: int = 5) -> list[Prediction]:
        """Answer each text, in order.

        Parameters
        ----------
        texts : sequence of str
            As people wrote them.
        top_k : int
            Most candidates of one text.

        Returns
        -------
        list of Prediction
            The answer to a text does not depend on the texts around it.
        """
        if not texts:
            return []
        scored = self.score(texts)
        ranked = _rank(scored.probabilities, top_k)
        predictions = [
            self._answer(*row)
            for row in zip(
                texts,
                scored.refusals,
                scored.confidences,
                scored.probabilities,
                ranked,
                strict=True,
            )
        ]
        predictions = self._list_codes(predictions, scored.probabilities, top_k)
        return self._roll_up(predictions, scored.probabilities)

    def answers_golden_texts(self) -> bool:
        """Tell whether the answers to the golden texts are those given when the model was made."""
        answers = self._answer_golden([golden.text for golden in self._golden])
        return all(
            golden.code == answer.code
            and abs(golden.confidence - answer.confidence) <= GOLDEN_TOLERANCE
            for golden, answer in zip(self._golden, answers, strict=True)
        )

    def save(self, path: Path) -> Path:
        """Write the model as a new folder, whole or not at all; `digest` is then known.

        Raises
        ------
        StorageError
            If the folder exists, or cannot be written.
        """
        self._golden = self._answer_golden(self._golden_texts())
        with _new_folder(path) as folder:
            self._write_files(folder)
            manifest = {**self._describe(), "files": _fingerprint_files(folder)}
            _write_json(folder / PROVENANCE, self.provenance)
            self.digest = _write_json(folder / MANIFEST, manifest)
        self.manifest = manifest
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model folder, or an MLflow model that holds one, after checking every byte of it.

        Raises
        ------
        ModelError
            If a file is missing, changed, or not named by the manifest; if the format is newer.
        """
        folder = _find_folder(path)
        manifest, digest = _read_manifest(folder)
        _check_files(folder, manifest["files"])
        try:
            predictor = cls._build(folder, manifest)
        except LibelleError:
            raise
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(
                f"Model {folder}: its parts contradict each other ({type(error).__name__}). "
                "Train or download it again."
            ) from error
        predictor.digest = digest
        return predictor

    @classmethod
    def _build(cls, folder: Path, manifest: Mapping[str, Any]) -> Self:
        _check_named(folder, manifest)
        strings = {name: _read_strings(folder, name) for name in manifest["strings"]}
        state = ClassifierState(
            family=manifest["classifier"]["family"],
            parameters=manifest["classifier"]["parameters"],
            arrays={name: _read_array(folder, name) for name in manifest["arrays"]},
            strings=strings,
            blobs={name: folder / name for name in manifest["blobs"]},
        )
        nomenclature = Nomenclature.from_rows(
            strings["nomenclature_codes"],
            strings["nomenclature_titles"],
            strings["nomenclature_parents"],
        )
        predictor = cls(
            normalizer=Normalizer(NormalizerOptions.from_dict(manifest["normalizer"]["options"])),
            classifier=classifier_from_state(state),
            nomenclature=nomenclature,
            about=manifest,
            provenance=_read_provenance(folder),
            refusals=_read_refusals(manifest),
        )
        golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
        predictor._golden = tuple(GoldenAnswer(**answer) for answer in golden)
        return predictor

    def _find_refusal(self, text: str, normalized: str) -> Reason | None:
        familiarity = self.classifier.familiarity(normalized)
        return self.refusals.find(text, normalized, codes=self._typed, familiarity=familiarity)

    def _answer(
        self,
        text: str,
        refusal: Reason | None,
        confidence: float,
        probabilities: Floats,
        ranked: NDArray[np.int64],
    ) -> Prediction:
        decision, reason = decide(refusal, float(confidence), self.guarantee)
        if decision is Decision.REFUSED:
            return Prediction(
                decision, reason, None, None, 0.0, self._typed_candidate(text, reason)
            )
        candidates = tuple(
            Candidate(
                rank,
                self.codes[column],
                self._titles[column],
                round(float(probabilities[column]), CONFIDENCE_DIGITS),
            )
            for rank, column in enumerate(ranked.tolist(), start=1)
        )
        automatic = decision is Decision.AUTOMATIC
        code, title = (candidates[0].code, candidates[0].title) if automatic else (None, None)
        return Prediction(decision, reason, code, title, float(confidence), candidates)

    def _typed_candidate(self, text: str, reason: Reason) -> tuple[Candidate, ...]:
        """Show the code that was typed; no probability is behind it."""
        if reason is not Reason.CODE_TYPED:
            return ()
        code = self._typed[typed_code(text)]
        return (Candidate(1, code, self.nomenclature.title_of(code), 0.0),)

    def _list_codes(
        self, predictions: list[Prediction], probabilities: Floats, top_k: int
    ) -> list[Prediction]:
        """Give each text that is not refused the codes among which the true one is."""
        rule = self.manifest.get("prediction_sets")
        if rule is None:
            return predictions
        return [
            (
                prediction
                if prediction.decision is Decision.REFUSED
                else replace(
                    prediction,
                    prediction_set=tuple(self.codes[column] for column in columns[:top_k]),
                    prediction_set_complete=len(columns) <= top_k,
                )
            )
            for prediction, columns in zip(
                predictions, prediction_sets(probabilities, rule), strict=True
            )
        ]

    def _roll_up(self, predictions: list[Prediction], probabilities: Floats) -> list[Prediction]:
        """Give texts under review the deepest code above that meets the target of its level."""
        rows = [
            row
            for row, prediction in enumerate(predictions)
            if prediction.decision is Decision.REVIEW
        ]
        for level, guarantee in self._level_guarantees:
            if rows and guarantee.threshold is not None:
                found = self._find_sure(level, guarantee, probabilities[rows])
                for row, roll_up in zip(rows, found, strict=True):
                    if roll_up is not None:
                        predictions[row] = replace(predictions[row], roll_up=roll_up)
                rows = [row for row in rows if predictions[row].roll_up is None]
        return predictions

    def _find_sure(
        self, level: Level, guarantee: Guarantee, probabilities: Floats
    ) -> list[RollUp | None]:
        summed = level.sum_up(probabilities)
        codes = [level.codes[place] for place in summed.argmax(axis=1)]
        found: list[RollUp | None] = []
        for code, confidence in zip(codes, confidence_of(summed).tolist(), strict=True):
            decision, _ = decide(None, confidence, guarantee)
            sure = RollUp(
                level.depth,
                code,
                self.nomenclature.title_of(code),
                confidence,
                decision,
                str(guarantee.threshold_id),
            )
            found.append(sure if decision is Decision.AUTOMATIC else None)
        return found

    def _golden_texts(self) -> list[str]:
        titles = self._titles[:: max(1, len(self._titles) // N_GOLDEN_TITLES)]
        return [*MADE_UP_TEXTS, *titles[:N_GOLDEN_TITLES]]

    def _answer_golden(self, texts: Sequence[str]) -> tuple[GoldenAnswer, ...]:
        return tuple(
            GoldenAnswer(
                text,
                prediction.candidates[0].code if prediction.candidates else None,
                prediction.confidence,
            )
            for text, prediction in zip(texts, self.predict(texts, top_k=1), strict=True)
        )

    def _describe(self) -> dict[str, Any]:
        state = self.classifier.state()
        return {
            **self.manifest,
            "format_version": FORMAT_VERSION,
            "package_version": libelle.__version__,
            "split_key_version": SPLIT_KEY_VERSION,
            "normalizer": {
                "version": NORMALIZER_VERSION,
                "options": self.normalizer.options.to_dict(),
            },
            "classifier": {"family": state.family, "parameters": dict(state.parameters)},
            "decision": {"version": DECISION_VERSION, "refusals": self.refusals.to_dict()},
            "arrays": sorted(state.arrays),
            "strings": sorted([*state.strings, *_nomenclature_strings(self.nomenclature)]),
            "blobs": sorted(state.blobs),
        }

    def _write_files(self, folder: Path) -> None:
        state = self.classifier.state()
        for name, array in state.arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        for name, strings in {**state.strings, **_nomenclature_strings(self.nomenclature)}.items():
            blob, offsets = pack_strings(strings)
            np.save(folder / f"{name}.utf8.npy", blob, allow_pickle=False)
            np.save(folder / f"{name}.offsets.npy", offsets, allow_pickle=False)
        for name, blob_content in state.blobs.items():
            _write_blob(folder / name, blob_content)
        _write_json(folder / GOLDEN, [asdict(answer) for answer in self._golden])


def _rank(probabilities: Floats, top_k: int) -> NDArray[np.int64]:
    """Return the columns of each row's largest probabilities, the first column on a tie."""
    top_k = min(top_k, probabilities.shape[1])
    if top_k == 1:
        best: NDArray[np.int64] = np.argmax(probabilities, axis=1)[:, None]
        return best
    columns = np.sort(np.argpartition(-probabilities, top_k - 1, axis=1)[:, :top_k], axis=1)
    order = np.argsort(-np.take_along_axis(probabilities, columns, axis=1), axis=1, kind="stable")
    ranked: NDArray[np.int64] = np.take_along_axis(columns, order, axis=1)
    return ranked


def _nomenclature_strings(nomenclature: Nomenclature) -> dict[str, tuple[str, ...]]:
    codes, titles, parents = zip(*nomenclature.to_rows(), strict=True)
    return {
        "nomenclature_codes": tuple(codes),
        "nomenclature_titles": tuple(titles),
        "nomenclature_parents": tuple(parents),
    }


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `path` when all went well, and vanishes otherwise."""
    if path.exists():
        raise StorageError(f"{path} exists already: a model is never written over. Choose another.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield folder
            folder.chmod(0o755)
            folder.replace(path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise StorageError(
            f"The model could not be written to {path}: {error.strerror or error}. "
            "Nothing was left there; free some space or choose another folder."
        ) from error


def _write_json(path: Path, value: Any) -> str:
    """Write JSON, the same bytes for the same value, and return their SHA-256."""
    content = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(content + "\n", encoding="utf-8", newline="\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_blob(path: Path, content: Path | bytes) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)


def _fingerprint_files(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.name: {"sha256": _sha256(path), "n_bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_folder(path: Path) -> Path:
    for folder in (path, path / "predictor"):
        if (folder / MANIFEST).is_file():
            return folder
    raise ModelError(
        f"{path} holds no model: {MANIFEST} is not there. "
        "Give a model folder, or an MLflow model made by libelle."
    )


def _read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    path = folder / MANIFEST
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ModelError(f"{path} is larger than any manifest: this is not a model of libelle.")
    content = path.read_bytes()
    try:
        manifest = json.loads(content)
        version, files = manifest["format_version"], manifest["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a manifest: the file is damaged.") from error
    if version not in READABLE_FORMATS:
        raise ModelError(
            f"{path} has format {version}; this version of libelle reads "
            f"{', '.join(map(str, READABLE_FORMATS))}. Install the version that made it: "
            f"{manifest.get('package_version', 'unknown')}."
        )
    if not isinstance(files, dict):
        raise ModelError(f"{path} is not a manifest: the file is damaged.")
    return manifest, hashlib.sha256(content).hexdigest()


def _check_files(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a folder that is not, byte for byte, what its manifest says."""
    present = {path.name for path in folder.iterdir()} - {MANIFEST, PROVENANCE}
    if strangers := sorted(present - set(files)):
        raise ModelError(f"{folder} holds files that its manifest does not name: {strangers}.")
    if missing := sorted(set(files) - present):
        raise ModelError(f"{folder} lacks files of its manifest: {missing}. Download it again.")
    for name, expected in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or _sha256(path) != expected["sha256"]:
            raise ModelError(
                f"{path} is not the file that the manifest names (SHA-256 differs). "
                "It was damaged or changed: download the model again."
            )


def _check_named(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse parts whose files were not checked: a name may not lead out of the folder."""
    parts = [f"{name}.npy" for name in manifest["arrays"]] + list(manifest["blobs"]) + [GOLDEN]
    for name in manifest["strings"]:
        parts += [f"{name}.utf8.npy", f"{name}.offsets.npy"]
    if strangers := sorted(set(parts) - set(manifest["files"])):
        raise ModelError(f"{folder}: the manifest uses files that it does not list: {strangers}.")


def _read_refusals(manifest: Mapping[str, Any]) -> RefusalRules:
    """Return the rules of a model; format 1 refused the empty text only."""
    if manifest["format_version"] == 1:
        return RefusalRules.only_empty()
    return RefusalRules(**manifest["decision"]["refusals"])


def _read_provenance(folder: Path) -> dict[str, Any]:
    path = folder / PROVENANCE
    try:
        provenance: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return provenance


def _read_array(folder: Path, name: str) -> NDArray[Any]:
    """Map an array into memory, so that several processes share it."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def _read_strings(folder: Path, name: str) -> tuple[str, ...]:
    blob = np.load(folder / f"{name}.utf8.npy", allow_pickle=False)
    return unpack_strings(blob, np.load(folder / f"{name}.offsets.npy", allow_pickle=False))


class _PyfuncModel:
    """The predictor as MLflow's pyfunc: a table with a column `text` in, a table out."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Answer each row of a DataFrame; `params` may hold `top_k`."""
        import pandas as pd

        texts = [str(text) for text in model_input["text"]]
        top_k = int((params or {}).get("top_k", 5))
        predictions = self._predictor.predict(texts, top_k=top_k)
        return pd.DataFrame([prediction_row(prediction) for prediction in predictions])


def prediction_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the columns that files get; candidates as a list of dictionaries."""
    candidates = [asdict(candidate) for candidate in prediction.candidates]
    return {
        "code": prediction.code,
        "title": prediction.title,
        "confidence": prediction.confidence,
        "decision": prediction.decision.value,
        "reason": prediction.reason.value,
        "top_code": candidates[0]["code"] if candidates else None,
        "candidates": candidates,
    }


def _load_pyfunc(data_path: str) -> _PyfuncModel:
    """Load the model that MLflow stands behind; MLflow looks for this name."""
    return _PyfuncModel(Predictor.load(Path(data_path)))
