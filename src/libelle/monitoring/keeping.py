"""Keeping: which texts of the log somebody still needs, once coders judged them."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from libelle.errors import DataError
from libelle.monitoring.audit.records import read_audited_predictions
from libelle.monitoring.feedback.lots import Lots
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.prediction_log.retention import SpentTexts
from libelle.monitoring.privacy import TextPolicy
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

# Two coders who agree teach as much as an audit: see `libelle.retraining`.
AUDITED_CODERS: Final = 2


def keeps_until_verdict(policy: TextPolicy) -> bool:
    """Tell whether texts leave the log at the verdict; under `none`, those of another time."""
    return policy in (TextPolicy.REVIEW, TextPolicy.NONE)


def find_spent_texts(
    uri: str, *, key: bytes, options: StorageOptions = DEFAULT_OPTIONS
) -> SpentTexts:
    """Return whose texts nobody needs: judged and not audited, or audited and learnt from.

    A text is audited if an audit drew it, or if two coders judged it: either may teach. One that
    two coders are to judge waits for both.

    Parameters
    ----------
    uri : str
        Folder of the log.
    key : bytes
        That of the log, by which chance chose what two coders judge.
    options : StorageOptions

    Raises
    ------
    DataError
        If a record of an audit cannot be read: texts that it names might be taken for others.
    StorageError
        If the log is out of reach.
    """
    # Records after verdicts: a text drawn meanwhile is needed.
    judges = Counter(read_feedback(uri, options=options).current()["prediction_id"].to_pylist())
    audited = read_audited_predictions(uri, options=options)
    if audited.problems:
        raise DataError(
            "No text was taken out at its verdict: which ones audits need cannot be told. "
            + " ".join(f"{one.path}: {one.why}." for one in audited.problems)
            + " Mend or delete these files, then purge again."
        )
    twice = {name for name, n_coders in judges.items() if n_coders >= AUDITED_CODERS}
    needed = (audited.drawn | twice) - audited.learnt
    n_wanted: Callable[[str], int] = Lots(key).n_coders
    judged = {name for name, n_coders in judges.items() if n_coders >= n_wanted(name)}
    return SpentTexts(frozenset(judged - needed), audited.learnt, frozenset(needed))
