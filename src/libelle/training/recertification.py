"""Recertification: new promises for an existing model, proved on fresh coded texts."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libelle.data.datasets import Dataset
from libelle.data.fingerprints import Fingerprints
from libelle.errors import DataError, UsageError
from libelle.predictor import Predictor
from libelle.training.certification import Targets, certify
from libelle.training.documents import log_sheets_of_certification
from libelle.training.pipeline import FINGERPRINTS
from libelle.training.runlog import NullRunLog, RunLog


@dataclass(frozen=True, eq=False)
class Recertification:
    """What a certification made.

    Attributes
    ----------
    predictor : Predictor
        The same model under other promises, saved in `folder`.
    folder : Path
    n_fresh : int
        Rows looked at.
    n_seen : int
        Rows left out: the model was fitted, certified or tested on their text.
    """

    predictor: Predictor
    folder: Path
    n_fresh: int
    n_seen: int


def recertify(
    predictor: Predictor,
    dataset: Dataset,
    targets: Targets,
    *,
    output: Path,
    seen: Container[str] | None,
    known: Fingerprints | None = None,
    run_log: RunLog | None = None,
) -> Recertification:
    """Prove other promises of a model on fresh coded texts; only its thresholds change.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
        Coded texts of the channel, period or administration that the promises are for.
    targets : Targets
        Declared before the texts are looked at.
    output : Path
        New folder of the model.
    seen : container of str or None
        Split keys of the texts that the model knows, or that models of the same training were
        certified on: they are left out. None when someone vouches that all texts are new.
    known : Fingerprints or None
        Those of the model itself, which the new version keeps and adds to.
    run_log : RunLog or None
        Who is told.

    Raises
    ------
    DataError
        If no text is fresh.
    UsageError
        If a target is asked of a rule that needs the training's out-of-fold scores.
    """
    if targets.rule == "planned" or targets.indicative:
        raise UsageError(
            "The planned rule and indicative thresholds need the scores of a training: "
            "certify with the anchored rule."
        )
    run_log = run_log or NullRunLog()
    fresh = _leave_out_seen(dataset, seen)
    # The draw among repeated texts follows from the texts: no other one may be tried.
    seed = int(fresh.digest[:8], 16)
    run_log.start(name=predictor.name, configuration=_describe(targets, seed), tags=_TAGS)
    try:
        promises = certify(predictor, fresh, targets, seed=seed)
        certified = predictor.promising({**promises, **_lineage(predictor, fresh)})
        run_log.log_input(
            role="certify", name=fresh.name, uri=fresh.uri, digest=fresh.digest, n_texts=len(fresh)
        )
        prints = (known or Fingerprints(complete=False)).adding(fresh.keys)
        run_log.log_artifact(FINGERPRINTS, prints.to_bytes())
        run_log.log_model(certified.save(output))
        log_sheets_of_certification(run_log, certified, fresh)
    except BaseException:
        run_log.finish("failed")
        raise
    run_log.finish("finished")
    return Recertification(certified, output, len(fresh), len(dataset) - len(fresh))


_TAGS = {"libelle.kind": "certification"}


def _leave_out_seen(dataset: Dataset, seen: Container[str] | None) -> Dataset:
    if seen is None:
        return dataset
    rows = [row for row, key in enumerate(dataset.keys) if key not in seen]
    if not rows:
        raise DataError(
            f"{dataset.name}: the model has seen all {len(dataset):,} texts already (fitted, "
            "certified or tested on them), so they prove nothing. Give texts coded since."
        )
    return dataset.take(rows)


def _describe(targets: Targets, seed: int) -> dict[str, Any]:
    return {
        "target_errors": list(targets.target_errors),
        "delta": targets.delta,
        "rule": targets.rule,
        "sets": targets.sets,
        "seed": seed,
    }


def _lineage(predictor: Predictor, fresh: Dataset) -> dict[str, Any]:
    """Return what the manifest says of where the new promises come from."""
    data = dict(predictor.manifest.get("data", {}))
    data["certify"] = {"digest": fresh.digest, "n_texts": len(fresh)}
    # What was counted on the test part was counted under other thresholds.
    return {
        "data": data,
        "automation": {},
        "certified_from": [*predictor.manifest.get("certified_from", []), predictor.digest],
    }
