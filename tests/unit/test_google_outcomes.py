"""What Google tells of a request, and what it means for those whom it left out."""

import pytest
from google.ads.datamanager_v1 import types as members

from activation.google_members import outcome_of


@pytest.mark.parametrize(
    ("reasons", "may_pass"),
    [
        (["DENIED_CONSENT"], False),
        (["INTERNAL_ERROR"], True),
        (["DENIED_CONSENT", "INTERNAL_ERROR"], True),
        ([], False),
    ],
)
def test_only_a_fault_of_googles_own_may_pass(
    reasons: list[str], *, may_pass: bool
) -> None:
    found = outcome_of([told(*reasons)])

    assert (found.state, found.left_out_may_pass) == ("partly", may_pass)
    assert found.reasons == {reason.lower(): 1 for reason in reasons}


def told(*reasons: str) -> members.RequestStatusPerDestination:
    return members.RequestStatusPerDestination(
        request_status="PARTIAL_SUCCESS",
        error_info={
            "error_counts": [
                {"reason": f"PROCESSING_ERROR_REASON_{reason}", "record_count": 1}
                for reason in reasons
            ]
        },
    )
