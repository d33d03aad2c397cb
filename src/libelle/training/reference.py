"""Reference: what drift is measured from, counted on texts that the model never learnt from.

Certify and test texts are answered by the very model that will serve, as those of tomorrow will be.
Out-of-fold answers come from models of a part of the texts, which know fewer words and are less
sure; and to the model itself the texts it learnt from hold hardly an unknown word. With dates,
certify and test are the latest texts: what the service meets first. Codes with a single text are
never held out: they are missing from the reference.
"""

from collections.abc import Sequence

import numpy as np

from libelle.data.datasets import Dataset
from libelle.predictor import Predictor, Scored
from libelle.profile import Flags, Profile
from libelle.training.certification import one_row_per_key


def make_reference(predictor: Predictor, parts: Sequence[Dataset], *, seed: int) -> Profile:
    """Return the profile of coded texts, one row of each split key.

    Parameters
    ----------
    predictor : Predictor
        With its thresholds.
    parts : sequence of Dataset
        None of which it learnt from.
    seed : int
        Of the draw among repeated texts.
    """
    samples = [part.take(one_row_per_key(part.keys, seed=seed)) for part in parts if len(part)]
    texts = [text for sample in samples for text in sample.texts]
    codes = [code for sample in samples for code in sample.codes]
    scored = predictor.score(texts)
    answers = [predictor.codes[column] for column in scored.probabilities.argmax(axis=1)]
    return Profile.of(
        codes=answers,
        confidences=scored.confidences,
        refusals=scored.refusals,
        n_characters=np.array(scored.features.n_characters, dtype=np.int64),
        n_words=np.array(scored.features.n_words, dtype=np.int64),
        n_unknown_words=np.array(scored.features.n_unknown_words, dtype=np.int64),
        automatic=_coded_by_threshold(predictor, scored),
        right=np.array([one == other for one, other in zip(answers, codes, strict=True)]),
        days=[day for sample in samples for day in sample.dates or () if day],
    )


def _coded_by_threshold(predictor: Predictor, scored: Scored) -> dict[str, Flags]:
    nothing = np.zeros(len(scored.confidences), dtype=bool)
    return {
        one["id"]: nothing if one["threshold"] is None else scored.confidences >= one["threshold"]
        for one in predictor.manifest.get("thresholds") or []
    }
