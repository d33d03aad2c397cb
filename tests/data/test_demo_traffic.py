"""Made-up traffic: the same for the same seed, never after its end, and another world at last."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from libelle.data.demo import demo_nomenclature, make_demo, make_traffic
from libelle.data.demo.traffic import CHANGED_WEEKS, GROWING_SERVICE

END = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def traffic():
    return make_traffic(until=END)


def test_the_same_seed_sends_the_same_texts(traffic):
    assert make_traffic(until=END) == traffic
    assert make_traffic(until=END, seed=2) != traffic


def test_texts_come_in_order_during_those_weeks_and_none_later(traffic):
    moments = [one.sent_at for one in traffic]
    assert moments == sorted(moments)
    assert END - timedelta(weeks=12) < moments[0]
    assert END - timedelta(days=1) < moments[-1] <= END
    assert len({moment.date() for moment in moments}) in (84, 85)
    assert len({one.id for one in traffic}) == len(traffic)


def test_codes_are_those_of_the_nomenclature(traffic):
    known = {code for code, _, _ in demo_nomenclature()}
    assert {one.code for one in traffic} <= known


def test_fewer_write_at_weekends(traffic):
    days = Counter(one.sent_at.date() for one in traffic)
    worked = [n for day, n in days.items() if day.weekday() < 5]
    rested = [n for day, n in days.items() if day.weekday() >= 5]
    assert max(rested) < 0.5 * sorted(worked)[len(worked) // 2]


def test_a_service_is_asked_twice_as_much_at_last(traffic):
    changes_at = END - timedelta(weeks=CHANGED_WEEKS)

    def share(sent):
        return sum(one.code.startswith(GROWING_SERVICE) for one in sent) / len(sent)

    before = share([one for one in traffic if one.sent_at < changes_at])
    after = share([one for one in traffic if one.sent_at >= changes_at])
    assert after > 1.6 * before


def test_nobody_sent_a_text_of_the_corpus_with_its_number(traffic):
    learnt = {one.text for one in make_demo()}
    again = sum(one.text in learnt for one in traffic)
    assert again < 0.15 * len(traffic)
