"""What is read from an answer of the Graph API."""

import json

import pytest

from activation.troubles import trouble_of


def an_error(**error: object) -> str:
    return json.dumps({"error": {"message": "quotes ann@example.com", **error}})


def regained_in(minutes: int) -> dict[str, str]:
    usage = {"7": [{"estimated_time_to_regain_access": minutes}]}
    return {"X-Business-Use-Case-Usage": json.dumps(usage)}


def test_only_an_object_with_status_200_and_no_error_is_success() -> None:
    assert trouble_of(200, {}, '{"num_received": 1}') is None
    for status, body in [
        (200, "<html>"),
        (200, "[]"),
        (200, '{"success": false}'),
        (502, '{"num_received": 1}'),
        (200, an_error(code=100)),
    ]:
        assert trouble_of(status, {}, body) is not None


@pytest.mark.parametrize(
    ("code", "subcode", "is_final", "again", "create_again"),
    [
        (1, 99, False, True, False),
        (2, 0, False, True, False),
        (4, 0, False, True, True),
        (80003, 0, False, True, True),
        (190, 460, True, False, False),
        (200, 1870090, True, False, False),
        (368, 0, True, False, False),
        (100, 1713230, True, False, False),
        (2650, 1870145, False, False, False),
        (2650, 1870144, True, False, False),
        (12345, 0, True, False, False),
    ],
)
def test_the_code_decides_whether_to_try_again(
    *, code: int, subcode: int, is_final: bool, again: bool, create_again: bool
) -> None:
    trouble = trouble_of(400, {}, an_error(code=code, error_subcode=subcode))

    assert trouble is not None
    assert trouble.is_final is is_final
    assert trouble.may_be_repeated("POST users") is again
    assert trouble.may_be_repeated("POST customaudiences") is create_again


@pytest.mark.parametrize(
    ("status", "is_final"), [(502, False), (404, True), (429, False), (200, False)]
)
def test_without_a_code_the_status_decides(*, status: int, is_final: bool) -> None:
    trouble = trouble_of(status, {}, "<html>")

    assert trouble is not None
    assert trouble.is_final is is_final


def test_a_throttled_call_waits_the_longest_time_asked_for() -> None:
    trouble = trouble_of(400, regained_in(19), an_error(code=80003))

    assert trouble is not None
    assert trouble.wait_s == 19 * 60
    assert "19 minutes" in trouble.explained


def test_what_the_platform_says_is_never_repeated() -> None:
    trouble = trouble_of(
        400,
        {"X-Business-Use-Case-Usage": "not json"},
        an_error(code=100, fbtrace_id="<b>ann@example.com", error_data="not json"),
    )

    assert trouble is not None
    assert "ann" not in trouble.explained
