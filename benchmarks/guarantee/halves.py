"""Halves: learn from one half of the texts, judge the other, which is then the whole world."""

from dataclasses import dataclass

import numpy as np

from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset, make_folds
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer
from libelle.evaluation import targets_of
from libelle.predictor import Predictor
from libelle.training.calibration import fit_temperature
from libelle.training.certification import Judged

LEAST_SCORE = -30.0
N_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Halves:
    """What is said of one row of each text, drawn at random.

    Attributes
    ----------
    predictor : Predictor
        Learnt from the first half; its own probabilities lack the temperature of those below.
    prior : Judged
        The first half, out of fold.
    held : Judged
        The other half: the world.
    later : Judged or None
        Texts of another time.
    """

    predictor: Predictor
    prior: Judged
    held: Judged
    later: Judged | None = None


def score_halves(
    dataset: Dataset,
    nomenclature: Nomenclature | None = None,
    *,
    seed: int,
    later: Dataset | None = None,
) -> Halves:
    """Learn from one half; judge it out of fold, the other half, and `later`."""
    generator = np.random.default_rng(seed)
    keys = np.array(dataset.keys)
    half = dict.fromkeys(generator.permutation(np.unique(keys)).tolist()[::2])
    learnt = np.array([key in half for key in keys.tolist()])
    fit, held = (dataset.take(np.flatnonzero(side)) for side in (learnt, ~learnt))
    predictor = learn(fit, nomenclature or Nomenclature.from_codes(fit.codes))
    scores = score_out_of_fold(fit, predictor, seed=seed)
    temperature = fit_temperature(scores, targets_of(fit.codes, predictor.codes))
    parts = [part for part in (held, later) if part is not None]
    judged = [
        judge(part, values * temperature, generator)
        for part, values in zip(
            [fit, *parts], [scores, *(score(predictor, part) for part in parts)], strict=True
        )
    ]
    return Halves(predictor, *judged)


def score_out_of_fold(fit: Dataset, predictor: Predictor, *, seed: int) -> Floats:
    """Return the scores of texts by classifiers that did not learn from them."""
    folds = make_folds(fit, n_folds=N_FOLDS, seed=seed)
    scores = np.full((len(fit), len(predictor.codes)), LEAST_SCORE)
    for fold in range(N_FOLDS):
        inside, outside = (np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        other = learn(fit.take(inside), predictor.nomenclature)
        place = targets_of(other.codes, predictor.codes)
        scores[np.ix_(outside, place)] = score(other, fit.take(outside))
    return scores


def learn(fit: Dataset, nomenclature: Nomenclature) -> Predictor:
    """Return a predictor whose classifier has default parameters."""
    normalizer = Normalizer()
    classifier = TfidfClassifier().fit(normalizer.normalize_many(fit.texts), fit.codes)
    return Predictor(
        normalizer=normalizer, classifier=classifier, nomenclature=nomenclature, about={}
    )


def score(predictor: Predictor, dataset: Dataset) -> Floats:
    """Return the scores of texts, before any temperature."""
    return predictor.classifier.scores(predictor.normalizer.normalize_many(dataset.texts))


def judge(dataset: Dataset, scores: Floats, generator: np.random.Generator) -> Judged:
    """Return the probabilities and the code of one row of each text, drawn at random."""
    order = generator.permutation(len(dataset))
    _, first = np.unique(np.array(dataset.keys)[order], return_index=True)
    rows = order[first].tolist()
    return Judged(softmax(scores[rows]), [dataset.codes[row] for row in rows])
