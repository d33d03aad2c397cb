"""Domain: can one tell which of two periods a text is from? If not, nothing that is seen changed.

A linear classifier learns on some folds to tell the periods apart, and ranks the texts of the
others: the area under the curve (AUC) is 0.5 when it cannot, 1 when it always can. The alarm is a
permutation test: periods are dealt anew among the texts, and the whole learning done again. Since
least squares (ridge) are linear in the answers, all permutations are solved at once, exactly: this
is why it is not a logistic regression, which ranks about as well and would be fitted 200 times.

References
----------
Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, ICLR. Phipson and Smyth (2010),
Permutation p-values should never be zero, SAGMB 9(1).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

from libelle.data.text import to_ascii
from libelle.decision import Decision
from libelle.monitoring.drift.comparisons import Comparison
from libelle.monitoring.drift.windows import Window, column
from libelle.profile import Floats, Ints

N_FOLDS, N_PERMUTATIONS = 5, 199
MOST_TEXTS, LEAST_TEXTS = 3_000, 100  # Of each period.
N_WORD_COLUMNS = 512
N_FREQUENT_CODES = 30
RIDGE = 30.0  # Few words change at once: strong shrinkage finds them better.
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Domain:
    """How well two periods can be told apart.

    Attributes
    ----------
    auc : float
        Out of fold.
    p_value : float
    basis : {"words", "features"}
        What the classifier saw: words, beside the features of the log, need texts that both periods
        kept in the same way.
    n_before, n_after : int
        Texts of each period.
    """

    auc: float
    p_value: float
    basis: str
    n_before: int
    n_after: int

    def comparison(self) -> Comparison:
        """Return it as one of the family."""
        return Comparison("domain", self.p_value, self.auc, "auc")


def tell_apart(before: Window, after: Window, *, seed: int) -> Domain | None:
    """Return how well two periods can be told apart; None with fewer than 100 texts in one."""
    kept = [kept_texts(window.rows) for window in (before, after)]
    with_words = keep_alike(*kept) and min(map(len, kept)) >= LEAST_TEXTS
    generator = np.random.default_rng(seed)
    sides = [_draw(rows, generator) for rows in (kept if with_words else (before.rows, after.rows))]
    if min(map(len, sides)) < LEAST_TEXTS:
        return None
    rows = pa.concat_tables(sides)
    matrix = _word_matrix(rows) if with_words else _feature_matrix(rows)
    is_after = np.repeat([0.0, 1.0], [len(side) for side in sides])
    auc, p_value = _permutation_test(matrix, is_after, generator)
    return Domain(auc, p_value, "words" if with_words else "features", *map(len, sides))


def kept_texts(rows: pa.Table) -> pa.Table:
    """Return the rows whose text stands in the log."""
    return rows.filter(rows["text"].is_valid())


def keep_alike(before: pa.Table, after: pa.Table) -> bool:
    """Tell whether both periods kept texts in the same way: otherwise the policy would be seen."""
    ways = [
        {*zip(rows["text_kind"].to_pylist(), rows["text_probability"].to_pylist(), strict=True)}
        for rows in (before, after)
    ]
    return ways[0] == ways[1] != set()


def words_of(text: str) -> set[str]:
    """Return the words of a text, in ASCII and lower case."""
    return set(_WORD.findall(to_ascii(text).lower()))


def _draw(rows: pa.Table, generator: np.random.Generator) -> pa.Table:
    if len(rows) <= MOST_TEXTS:
        return rows
    return rows.take(pa.array(np.sort(generator.choice(len(rows), MOST_TEXTS, replace=False))))


def _word_matrix(rows: pa.Table) -> Any:
    """Return hashed words, of length one in each text, beside the features, of the same length."""
    places, columns = [], []
    for row, text in enumerate(rows["text"].to_pylist()):
        hashed = {crc32(word.encode()) % N_WORD_COLUMNS for word in words_of(text)}
        places += [row] * len(hashed)
        columns += sorted(hashed)
    n_words = np.bincount(places, minlength=len(rows))
    values = 1 / np.sqrt(n_words[places])
    words = sparse.csr_array((values, (places, columns)), shape=(len(rows), N_WORD_COLUMNS))
    features = _feature_matrix(rows)
    return sparse.hstack([words, features / np.sqrt(features.shape[1])], format="csr")


def _feature_matrix(rows: pa.Table) -> Floats:
    """Return what the log knows of each text, standardised."""
    n_words = column(rows, "n_words")
    codes = rows["top_code"].to_pylist()
    frequent = [code for code, _ in Counter(sorted(map(str, codes))).most_common(N_FREQUENT_CODES)]
    flags = [[code == other for other in frequent] for code in map(str, codes)]
    features = np.column_stack(
        [
            np.log1p(column(rows, "n_characters")),
            np.log1p(n_words),
            column(rows, "n_unknown_words") / np.maximum(1, n_words),
            rows["confidence"].to_numpy(),
            _is_refused(rows["decision"].to_pylist()),
            np.array(flags, dtype=np.float64),
        ]
    )
    spread = features.std(axis=0)
    centred: Floats = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return centred


def _is_refused(decisions: Sequence[str]) -> Ints:
    return np.array([decision == Decision.REFUSED for decision in decisions], dtype=np.int64)


def _permutation_test(
    matrix: Any, is_after: Floats, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the out-of-fold AUC, and how often chance does as well."""
    dealt = [is_after, *(generator.permutation(is_after) for _ in range(N_PERMUTATIONS))]
    labels = np.column_stack(dealt)
    # Folds do not look at periods: each deal has then the same chance.
    folds = generator.permutation(np.arange(len(is_after)) % N_FOLDS)
    aucs = np.zeros(labels.shape[1])
    for fold in range(N_FOLDS):
        learnt, ranked = folds != fold, folds == fold
        scores = _ridge_scores(matrix[learnt], labels[learnt], matrix[ranked])
        aucs += _auc(scores, labels[ranked]) / N_FOLDS
    as_well = int((aucs[1:] >= aucs[0] - 1e-12).sum())
    return float(aucs[0]), (1 + as_well) / (1 + N_PERMUTATIONS)


def _ridge_scores(learnt: Any, labels: Floats, ranked: Any) -> Floats:
    """Fit each column of labels, and score other rows."""
    centre = np.asarray(learnt.mean(axis=0)).reshape(1, -1)
    products = learnt.T @ learnt
    dense = products.toarray() if sparse.issparse(products) else products
    gram = dense - len(labels) * centre.T @ centre + RIDGE * np.eye(dense.shape[0])
    targets = learnt.T @ (labels - labels.mean(axis=0))
    weights = cho_solve(cho_factor(gram), targets)
    scores: Floats = ranked @ weights
    return scores


def _auc(scores: Floats, labels: Floats) -> Floats:
    """Return the area under the curve of each column: the share of pairs ranked right."""
    ranks = rankdata(scores, axis=0)
    n_after = labels.sum(axis=0)
    pairs = np.maximum(1, n_after * (len(labels) - n_after))
    areas: Floats = ((ranks * labels).sum(axis=0) - n_after * (n_after + 1) / 2) / pairs
    return areas
