"""Kinds of fault put into a clean month: gates close before a mart or an audience."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.faults import FAULTS, Outcome, tried, workers

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
A_HANDFUL = (
    *("minor_units_taken_for_major", "refund_sign_flipped"),
    *("future_leaks", "scores_shuffled", "members_without_consent"),
)
MORE = (
    *("source_gone", "clock_an_hour_ahead", "users_lost", "copies_burst"),
    *("user_ids_collapsed", "consent_always_granted", "words_cut"),
    *("consent_invented", "channels_lost_lately", "retention_inflated"),
    *("the_past_rewritten", "values_in_another_unit", "audience_of_strangers"),
)


def outcomes(names: Sequence[str], folder: Path, people: int) -> list[Outcome]:
    chosen = [fault for fault in FAULTS if fault.name in names]
    assert len(chosen) == len(names)
    with workers(1) as pool:
        return list(tried(chosen, folder, people=people, pool=pool))


def unstopped(found: Sequence[Outcome]) -> list[str]:
    grave = [one for one in found if one.fault.severity == "stop"]
    return [one.fault.name for one in grave if not one.closed]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_handful_of_grave_faults_closes_gates(tmp_path: Path) -> None:
    found = outcomes(A_HANDFUL, tmp_path, people=400)

    assert unstopped(found) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_more_kinds_are_told_and_the_grave_ones_stopped(tmp_path: Path) -> None:
    found = outcomes(MORE, tmp_path, people=1_000)

    assert [one.fault.name for one in found if not one.told] == []
    assert unstopped(found) == []
