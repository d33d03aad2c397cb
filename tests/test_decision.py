"""What becomes of a text, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.decision import (
    NO_GUARANTEE,
    Decision,
    Guarantee,
    GuaranteeStatus,
    Reason,
    RefusalRules,
    choose_guarantee,
    decide,
    typed_code,
)
from libelle.errors import ModelError, UsageError

CODES = {"0101": "01.01", "A1B": "A-1b"}
RULES = RefusalRules()


def find(text, *, normalized="mots", familiarity=1.0, rules=RULES):
    return rules.find(text, normalized, codes=CODES, familiarity=familiarity)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("01.01", Reason.CODE_TYPED),
        (" a 1b ", Reason.CODE_TYPED),
        ("0102", Reason.ONLY_DIGITS),
        ("12/05/2025 !", Reason.ONLY_DIGITS),
        ("aaaa", Reason.REPEATED_CHARACTERS),
        ("xX-xX", Reason.REPEATED_CHARACTERS),
        ("0000", Reason.REPEATED_CHARACTERS),
        ("a", Reason.TOO_SHORT),
        ("(b)", Reason.TOO_SHORT),
        ("TP", None),
        ("aaa", None),
        ("nid de poule", None),
    ],
)
def test_what_cannot_be_answered_is_refused(text, reason):
    assert find(text) is reason


def test_words_that_were_never_learnt_are_refused():
    assert find("zzyzx", familiarity=0.0) is Reason.NO_KNOWN_WORD
    assert find("zzyzx", familiarity=0.69) is Reason.OUTSIDE_VOCABULARY
    assert find("zzyzx", familiarity=0.7) is None


def test_nothing_to_read_is_empty_whatever_the_rules():
    assert find("…", normalized="", rules=RefusalRules.only_empty()) is Reason.EMPTY


@pytest.mark.parametrize("name", [name for name in RULES.to_dict() if name != "least_familiarity"])
def test_every_rule_can_be_switched_off(name):
    texts = {"code_typed": "0101", "only_digits": "12", "repeated_characters": "aaaa"}
    texts |= {"too_short": "a"}
    familiarity = {"no_known_word": 0.0, "outside_vocabulary": 0.5}.get(name, 1.0)
    text = texts.get(name, "zzyzx")
    without = RefusalRules(**{**RULES.to_dict(), name: False})
    assert find(text, familiarity=familiarity) == name
    assert find(text, familiarity=familiarity, rules=without) != name


@given(text=st.text(), familiarity=st.floats(0, 1))
def test_rules_never_fail(text, familiarity):
    find(text, familiarity=familiarity)
    typed_code(text)


@given(confidence=st.floats(0, 1), threshold=st.floats(0, 1))
def test_automatic_means_at_or_above_the_threshold(confidence, threshold):
    promise = Guarantee(status=GuaranteeStatus.GUARANTEED, threshold=threshold)
    decision, _ = decide(None, confidence, promise)
    assert (decision == "automatic") == (confidence >= threshold)


def test_a_refused_text_is_never_automatic():
    promise = Guarantee(status=GuaranteeStatus.GUARANTEED, threshold=0.0)
    assert decide(Reason.EMPTY, 1.0, promise) == ("refused", "empty")


def test_no_threshold_means_review():
    assert decide(None, 1.0, NO_GUARANTEE) == ("review", "no_threshold")


def threshold(target_error, value=0.8):
    return {
        "id": "abc",
        "status": "guaranteed",
        "target_error": target_error,
        "delta": 0.05,
        "bound": target_error,
        "threshold": value,
    }


def test_the_first_declared_target_is_active_unless_another_is_chosen():
    declared = [threshold(0.05), threshold(0.1, 0.6)]
    assert choose_guarantee(declared, None).threshold == 0.8
    assert choose_guarantee(declared, 0.1).threshold == 0.6
    assert choose_guarantee([], None) is NO_GUARANTEE


def test_a_target_that_was_not_certified_is_refused():
    with pytest.raises(ModelError, match=r"target error of 0\.02; declared: 0\.05"):
        choose_guarantee([threshold(0.05)], 0.02)
    with pytest.raises(ModelError, match="declared: none"):
        choose_guarantee([], 0.02)


def test_rules_are_switched_off_by_name():
    rules = RefusalRules.without(["only_digits", "too_short"])
    assert (rules.only_digits, rules.too_short, rules.code_typed) == (False, False, True)
    with pytest.raises(UsageError, match="Rules: code_typed"):
        RefusalRules.without(["no_such_rule"])


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_suspended_promise_hands_over_what_it_would_code_and_nothing_else(confidence, threshold):
    promised = Guarantee(status=GuaranteeStatus.GUARANTEED, threshold=threshold)
    before = decide(None, confidence, promised)
    after = decide(None, confidence, promised.suspended())
    if before == (Decision.AUTOMATIC, Reason.ABOVE_THRESHOLD):
        assert after == (Decision.REVIEW, Reason.SUSPENDED)
    else:
        assert after == before
