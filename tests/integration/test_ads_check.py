"""What is missing before people can be sent, told without sending anybody."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from activation.checking import Finding, check, is_ready
from activation.destinations.kinds import opened
from activation.destinations.protocol import Wanted
from activation.patience import Patience
from activation.standins.google import GoogleFault, GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from warehouse.settings import REPOSITORY, Settings

PATIENCE = Patience(attempts=1)


@pytest.fixture
def graph() -> Iterator[str]:
    with graph_running() as address:
        yield address


@pytest.fixture
def google() -> Iterator[tuple[str, GoogleStandin]]:
    with google_running() as running:
        yield running


def meta(address: str, **changed: str) -> Settings:
    values = {"meta_access_token": "t", "meta_ad_account_id": "act_7"} | changed
    return Settings(meta_graph_url=address, **values)  # type: ignore[arg-type]


def of_google(address: str, **changed: str) -> Settings:
    values = {"google_developer_token": "t", "google_customer_id": "1234567890"}
    return Settings(google_endpoint=address, **values | changed)  # type: ignore[arg-type]


def stated(findings: list[Finding], platform: str) -> dict[str, str]:
    return {one.what: one.state for one in findings if one.platform == platform}


def said(findings: list[Finding], what: str) -> str:
    return next(one.said for one in findings if one.what == what)


def test_an_account_that_lacks_nothing_is_ready(graph: str) -> None:
    found = check(meta(graph, meta_pixel_id="1000"), PATIENCE)

    assert stated(found, "meta") == {
        "scopes": "fine",
        "account and terms": "fine",
        "audiences": "fine",
        "pixel": "fine",
    }
    assert "v26.0" in said(found, "account and terms")
    assert stated(found, "google") == {"credentials": "unset"}
    assert is_ready(found)


def test_without_anything_set_nothing_is_ready_and_the_settings_are_named() -> None:
    found = check(Settings(), PATIENCE)

    assert {one.state for one in found} == {"unset"}
    assert not is_ready(found)
    assert "META_ACCESS_TOKEN" in " ".join(one.said for one in found)


def test_terms_a_pixel_and_names_are_looked_at(graph: str) -> None:
    destination = opened("meta", meta(graph))
    destination.make(Wanted(audience="high_income", meaning="x"))
    requests.post(f"{graph}/_standin/terms", json=False, timeout=60)

    found = check(meta(graph, meta_pixel_id="404"), PATIENCE)

    assert stated(found, "meta") == {
        "scopes": "fine",
        "account and terms": "missing",
        "audiences": "warning",
        "pixel": "missing",
    }
    assert "Audience Manager" in said(found, "account and terms")
    assert "high_income" in said(found, "audiences")
    assert not is_ready(found)


@pytest.mark.parametrize(("count", "state"), [(449, "fine"), (450, "warning")])
def test_an_account_that_is_nearly_full_is_warned_of(
    graph: str, count: int, state: str
) -> None:
    form = {"subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    with requests.Session() as session:
        for number in range(count):
            session.post(
                f"{graph}/v26.0/act_7/customaudiences?access_token=t",
                data={"name": f"a{number}", **form},
                timeout=60,
            )

    assert stated(check(meta(graph), PATIENCE), "meta")["audiences"] == state


def test_a_revoked_token_is_the_finding_of_every_question(graph: str) -> None:
    requests.post(f"{graph}/_standin/revoke", timeout=60)

    found = check(meta(graph), PATIENCE)

    assert stated(found, "meta")["scopes"] == "missing"
    assert "META_ACCESS_TOKEN" in said(found, "scopes")


def test_a_version_that_is_gone_is_told(graph: str) -> None:
    fault = {"kind": "refuse", "code": 2635, "times": 9}
    requests.post(f"{graph}/_standin/faults", json=fault, timeout=60)

    assert "facebook-business" in said(check(meta(graph), PATIENCE), "scopes")


def test_google_s_account_terms_actions_and_leave_are_looked_at(
    google: tuple[str, GoogleStandin],
) -> None:
    address, standin = google
    fine = check(of_google(address, google_conversion_action="55"), PATIENCE)
    standin.state.terms_are_accepted = False

    lacking = check(
        of_google(
            address,
            google_members_by="offline_jobs",
            google_conversion_action="purchase",
        ),
        PATIENCE,
    )

    assert stated(fine, "google") == {
        "sign-in": "fine",
        "account and terms": "fine",
        "user lists": "fine",
        "GOOGLE_CONVERSION_ACTION": "fine",
        "GOOGLE_AT_RISK_ACTION": "warning",
    }
    assert is_ready(fine)
    assert stated(lacking, "google")["account and terms"] == "missing"
    assert stated(lacking, "google")["GOOGLE_CONVERSION_ACTION"] == "missing"
    assert "GOOGLE_MEMBERS_BY=data_manager" in said(lacking, "offline jobs")
    assert (standin.state.jobs, standin.state.lists_of("1234567890")) == ({}, {})


def test_what_google_refuses_is_the_finding(
    google: tuple[str, GoogleStandin],
) -> None:
    address, standin = google
    standin.faults.append(
        GoogleFault(
            method="Search", code="PERMISSION_DENIED", reason="USER_PERMISSION_DENIED"
        )
    )

    found = check(of_google(address), PATIENCE)

    assert stated(found, "google")["account and terms"] == "missing"


def test_the_command_shows_it_and_fails_where_something_is_missing(
    graph: str, tmp_path: Path
) -> None:
    def run(**changed: str) -> "subprocess.CompletedProcess[str]":
        environ = {
            "PATH": os.environ["PATH"],
            "QUESTLOG_HOME": str(tmp_path),
            "META_GRAPH_URL": graph,
            "META_AD_ACCOUNT_ID": "act_7",
        }
        return subprocess.run(
            [sys.executable, "-m", "questlog", "ads", "check", "--json"],
            cwd=REPOSITORY,
            env=environ | changed,
            capture_output=True,
            text=True,
            check=False,
        )

    ready, lacking = run(META_ACCESS_TOKEN="t"), run()

    assert (ready.returncode, lacking.returncode) == (0, 1)
    told = [one for one in json.loads(lacking.stdout) if one["platform"] == "meta"]
    assert "META_ACCESS_TOKEN" in told[0]["said"]
