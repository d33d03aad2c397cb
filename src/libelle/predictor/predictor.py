"""Predictor: a model that answers raw texts, and how it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

import libelle
from libelle.classifiers.base import Classifier, ClassifierState, Floats
from libelle.classifiers.families import classifier_from_state
from libelle.data.levels import Level, levels_above
from libelle.data.nomenclature import Nomenclature
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
    GuaranteeStatus,
    Reason,
    RefusalRules,
    choose_guarantee,
    confidence_of,
    decide,
    typed_code,
)
from libelle.errors import LibelleError, ModelError
from libelle.features import Features
from libelle.prediction_sets import Columns, prediction_sets, rank_codes
from libelle.predictor.answers import (
    Against,
    Answers,
    Candidate,
    Explanation,
    GoldenAnswer,
    Prediction,
    RollUp,
    Scored,
    WordContribution,
)
from libelle.predictor.folder import (
    FORMAT_VERSION,
    GOLDEN,
    PROVENANCE,
    check_files,
    check_named,
    find_folder,
    fingerprint_files,
    new_folder,
    read_array,
    read_manifest,
    read_provenance,
    read_strings,
    write_array,
    write_blob,
    write_json,
    write_manifest,
    write_strings,
)

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
            self._promised = self.guarantee = guarantee
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
        self._promised = self.guarantee = choose_guarantee(thresholds, target_error)
        roll_ups = [one for one in self.manifest.get("roll_up") or [] if one is not None]
        active = self.guarantee.target_error
        self._roll_up_rule = next((one for one in roll_ups if one["target_error"] == active), None)

    def suspend(self, suspended: bool = True) -> None:
        """Stop coding automatically, the codes above too, or begin again.

        A promise that an audit found broken is suspended; a model that codes nothing automatically
        has nothing to suspend.
        """
        stops = suspended and self._promised.threshold is not None
        self.guarantee = self._promised.suspended() if stops else self._promised

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
        normalized = self.normalizer.normalize_many(texts)
        return list(map(self._find_refusal, texts, normalized))

    def score(self, texts: Sequence[str]) -> Scored:
        """Return probabilities, confidences and refusals of texts, before any decision."""
        normalized = self.normalizer.normalize_many(texts)
        probabilities = self.classifier.predict_proba(normalized)
        refusals = list(map(self._find_refusal, texts, normalized))
        n_known = list(map(self.classifier.count_known_words, normalized))
        features = Features.of(texts, list(map(str.split, normalized)), n_known)
        return Scored(probabilities, confidence_of(probabilities), refusals, features)

    def predict(
        self, texts: Sequence[str], *, top_k: int = 5, explain: bool = False
    ) -> list[Prediction]:
        """Answer each text, in order: the predictions of `answer`."""
        return self.answer(texts, top_k=top_k, explain=explain).predictions

    def answer(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 5,
        explain: bool = False,
        prediction_ids: Sequence[str] | None = None,
    ) -> Answers:
        """Answer texts, and measure them.

        Parameters
        ----------
        texts : sequence of str
            As people wrote them.
        top_k : int
            Most candidates of one text.
        explain : bool
            Say what each word brings to the first candidate over the second, of each text that is
            not refused.
        prediction_ids : sequence of str, optional
            Of each text, what its prediction is called.

        Returns
        -------
        Answers
            In the order of the texts; the answer to a text does not depend on those around it.
        """
        if not texts:
            return Answers([], Features([], [], []))
        scored = self.score(texts)
        confidences = scored.confidences.tolist()
        # One more than is shown, to tell whether a prediction set was cut.
        ranked = rank_codes(scored.probabilities, min(top_k + 1, len(self.codes)))
        decisions = [
            decide(refusal, confidence, self.guarantee)
            for refusal, confidence in zip(scored.refusals, confidences, strict=True)
        ]
        rows = zip(
            prediction_ids or [""] * len(texts),
            texts,
            decisions,
            confidences,
            self._list_candidates(scored.probabilities, ranked[:, :top_k]),
            self._list_sets(scored.probabilities, ranked, top_k),
            self._roll_up(decisions, confidences, scored.probabilities),
            self._list_explanations(texts, decisions, ranked) if explain else [None] * len(texts),
            strict=True,
        )
        return Answers([self._answer(*row) for row in rows], scored.features)

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
        with new_folder(path) as folder:
            self._write_files(folder)
            manifest = {**self._describe(), "files": fingerprint_files(folder)}
            write_json(folder / PROVENANCE, self.provenance)
            self.digest = write_manifest(folder, manifest)
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
        folder = find_folder(path)
        manifest, digest = read_manifest(folder)
        check_files(folder, manifest["files"])
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
        check_named(folder, manifest)
        strings = {name: read_strings(folder, name) for name in manifest["strings"]}
        state = ClassifierState(
            family=manifest["classifier"]["family"],
            parameters=manifest["classifier"]["parameters"],
            arrays={name: read_array(folder, name) for name in manifest["arrays"]},
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
            provenance=read_provenance(folder),
            refusals=_read_refusals(manifest),
        )
        _refuse_codes_without_scores(folder, predictor.classifier)
        golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
        predictor._golden = tuple(GoldenAnswer(**answer) for answer in golden)
        return predictor

    def _find_refusal(self, text: str, normalized: str) -> Reason | None:
        familiarity = self.classifier.familiarity(normalized)
        return self.refusals.find(text, normalized, codes=self._typed, familiarity=familiarity)

    def _answer(
        self,
        prediction_id: str,
        text: str,
        decided: tuple[Decision, Reason],
        confidence: float,
        candidates: tuple[Candidate, ...],
        listed: tuple[tuple[str, ...] | None, bool | None],
        roll_up: RollUp | None,
        explanation: Explanation | None,
    ) -> Prediction:
        decision, reason = decided
        if decision is Decision.REFUSED:
            typed = self._typed_candidate(text, reason)
            return Prediction(prediction_id, decision, reason, None, None, 0.0, typed)
        automatic = decision is Decision.AUTOMATIC
        code, title = (candidates[0].code, candidates[0].title) if automatic else (None, None)
        return Prediction(
            prediction_id,
            decision,
            reason,
            code,
            title,
            confidence,
            candidates,
            *listed,
            roll_up,
            explanation,
        )

    def _typed_candidate(self, text: str, reason: Reason) -> tuple[Candidate, ...]:
        """Show the code that was typed; no probability is behind it."""
        if reason is not Reason.CODE_TYPED:
            return ()
        code = self._typed[typed_code(text)]
        return (Candidate(1, code, self.nomenclature.title_of(code), 0.0),)

    def _list_candidates(
        self, probabilities: Floats, ranked: Columns
    ) -> list[tuple[Candidate, ...]]:
        """Return the likeliest codes of each text."""
        shown = np.round(np.take_along_axis(probabilities, ranked, axis=1), CONFIDENCE_DIGITS)
        ranks, codes, titles = range(1, ranked.shape[1] + 1), self.codes, self._titles
        return [
            tuple(
                Candidate(rank, codes[column], titles[column], probability)
                for rank, column, probability in zip(ranks, columns, row, strict=True)
            )
            for columns, row in zip(ranked.tolist(), shown.tolist(), strict=True)
        ]

    def _list_sets(
        self, probabilities: Floats, ranked: Columns, top_k: int
    ) -> list[tuple[tuple[str, ...] | None, bool | None]]:
        """Return the codes among which the true one is, and whether `top_k` spared them all."""
        rule = self.manifest.get("prediction_sets")
        if rule is None:
            return [(None, None)] * len(probabilities)
        return [
            (tuple(self.codes[column] for column in columns[:top_k]), len(columns) <= top_k)
            for columns in prediction_sets(probabilities, rule, ranked=ranked)
        ]

    def _roll_up(
        self,
        decisions: Sequence[tuple[Decision, Reason]],
        confidences: Sequence[float],
        probabilities: Floats,
    ) -> list[RollUp | None]:
        """Return, under review, the deepest code above that is sure enough."""
        found: list[RollUp | None] = [None] * len(decisions)
        rule = self._roll_up_rule
        suspended = self.guarantee.status is GuaranteeStatus.SUSPENDED
        if rule is None or rule["threshold"] is None or suspended:
            return found
        cut = rule["cut"]
        rows = [
            row
            for row, (decision, _) in enumerate(decisions)
            if decision is Decision.REVIEW and confidences[row] < cut
        ]
        for level in self.levels:
            if rows:
                for row, roll_up in zip(
                    rows, self._look_up(level, probabilities[rows]), strict=True
                ):
                    if roll_up.confidence >= rule["threshold"]:
                        found[row] = roll_up
                rows = [row for row in rows if found[row] is None]
        return found

    def _list_explanations(
        self, texts: Sequence[str], decisions: Sequence[tuple[Decision, Reason]], ranked: Columns
    ) -> list[Explanation | None]:
        """Say, of each text that is not refused, why its first code comes before the second."""
        if len(self.codes) < 2:
            return [None] * len(texts)
        return [
            None if decision is Decision.REFUSED else self._explain(text, first, second)
            for text, (decision, _), (first, second) in zip(
                texts, decisions, ranked[:, :2].tolist(), strict=True
            )
        ]

    def _explain(self, text: str, first: int, second: int) -> Explanation:
        normalized = self.normalizer.normalize(text)
        parts = self.classifier.contributions(normalized, first, second)
        return Explanation(
            Against(self.codes[second], self._titles[second]),
            parts.score_difference,
            parts.baseline,
            tuple(map(WordContribution, parts.words, parts.amounts.tolist())),
        )

    def _look_up(self, level: Level, probabilities: Floats) -> list[RollUp]:
        """Return the likeliest code of a level for each text, as if it were sure."""
        summed = level.sum_up(probabilities)
        codes = [level.codes[place] for place in summed.argmax(axis=1)]
        identifier = str((self._roll_up_rule or {}).get("id"))
        return [
            RollUp(
                level.depth,
                code,
                self.nomenclature.title_of(code),
                confidence,
                Decision.AUTOMATIC,
                identifier,
            )
            for code, confidence in zip(codes, confidence_of(summed).tolist(), strict=True)
        ]

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
            write_array(folder, name, array)
        for name, strings in {**state.strings, **_nomenclature_strings(self.nomenclature)}.items():
            write_strings(folder, name, strings)
        for name, blob_content in state.blobs.items():
            write_blob(folder / name, blob_content)
        write_json(folder / GOLDEN, [asdict(answer) for answer in self._golden])


def _refuse_codes_without_scores(folder: Path, classifier: Classifier) -> None:
    n_scores, n_codes = classifier.predict_proba([""]).shape[1], len(classifier.classes_)
    if n_scores != n_codes:
        raise ModelError(
            f"Model {folder}: its parts contradict each other ({n_scores} scores for {n_codes} "
            "codes). Train or download it again."
        )


def _nomenclature_strings(nomenclature: Nomenclature) -> dict[str, tuple[str, ...]]:
    codes, titles, parents = zip(*nomenclature.to_rows(), strict=True)
    return {
        "nomenclature_codes": tuple(codes),
        "nomenclature_titles": tuple(titles),
        "nomenclature_parents": tuple(parents),
    }


def _read_refusals(manifest: Mapping[str, Any]) -> RefusalRules:
    """Return the rules of a model; format 1 refused the empty text only."""
    if manifest["format_version"] == 1:
        return RefusalRules.only_empty()
    return RefusalRules(**manifest["decision"]["refusals"])
