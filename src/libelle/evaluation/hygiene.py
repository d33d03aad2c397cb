"""Hygiene: what can be known of the independence of the texts that a model is evaluated on."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.data.datasets import Dataset


def independent_rows(keys: Sequence[str], *, random_state: int = 0) -> NDArray[np.bool_]:
    """Mark one row, drawn at random, for each split key: repeated texts are not independent."""
    order = np.random.default_rng(random_state).permutation(len(keys))
    drawn: dict[str, int] = {}
    for row in order.tolist():
        drawn.setdefault(keys[row], row)
    marked = np.zeros(len(keys), dtype=bool)
    marked[list(drawn.values())] = True
    return marked


def unseen_rows(
    dataset: Dataset, manifest: Mapping[str, Any], seen: Container[str] | None
) -> NDArray[np.bool_]:
    """Mark the rows that may test a promise: no text that made the model.

    The test part of its training is one that no choice looked at: it may.
    """
    if seen is None or _same_part(dataset, manifest) == "test":
        return np.ones(len(dataset), dtype=bool)
    return np.array([key not in seen for key in dataset.keys], dtype=bool)


def describe_hygiene(
    dataset: Dataset, manifest: Mapping[str, Any], *, n_distinct: int, n_seen: int | None = None
) -> dict[str, Any]:
    """Say how the texts relate to those of the training, and to one another.

    A model holds no text, so that it recognises whole parts of its training only, by their digests:
    `same_as` names the one that these rows are, all of them and in the same order. `n_seen` counts
    the distinct texts that it was made or tested with; None when its run is not there to tell.
    """
    n_contradictory, n_texts_of_these = _contradictions(dataset)
    return {
        "same_as": _same_part(dataset, manifest),
        "n_texts": len(dataset),
        "n_distinct": n_distinct,
        "n_seen": n_seen,
        "n_repeated": len(dataset) - n_distinct,
        "n_contradictory_keys": n_contradictory,
        "n_contradictory_texts": n_texts_of_these,
    }


def _same_part(dataset: Dataset, manifest: Mapping[str, Any]) -> str | None:
    """Return the part of the training whose rows these are: fit, certify or test."""
    bare = replace(dataset, groups=None, dates=None)
    digests = {dataset.digest, bare.digest}
    for role, part in (manifest.get("data") or {}).items():
        if part.get("digest") in digests:
            return str(role)
    return None


def _contradictions(dataset: Dataset) -> tuple[int, int]:
    """Count the split keys that have several codes, and their texts."""
    codes_of_key: dict[str, set[str]] = {}
    n_texts_of_key: dict[str, int] = {}
    for key, code in zip(dataset.keys, dataset.codes, strict=True):
        codes_of_key.setdefault(key, set()).add(code)
        n_texts_of_key[key] = n_texts_of_key.get(key, 0) + 1
    contradictory = [key for key, codes in codes_of_key.items() if len(codes) > 1]
    return len(contradictory), sum(n_texts_of_key[key] for key in contradictory)
