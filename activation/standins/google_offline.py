"""The stand-in's half of offline jobs: made, filled, started, and looked at by query.

Only accounts that Google lets may use them. A job of which every operation failed
still ends in success.
"""

import re
from collections.abc import Iterator
from typing import Any

from google.ads.googleads.v26.services.types.offline_user_data_job_service import (
    AddOfflineUserDataJobOperationsRequest,
    AddOfflineUserDataJobOperationsResponse,
    CreateOfflineUserDataJobRequest,
    CreateOfflineUserDataJobResponse,
    RunOfflineUserDataJobRequest,
)
from google.longrunning.operations_pb2 import Operation

from activation.standins.google_refusal import Refused, partly_refused
from activation.standins.held import Row
from activation.standins.user_lists import (
    Asked,
    GoogleState,
    JobHeld,
    addition,
    removal,
)

MOST_IDENTIFIERS_A_REQUEST = 100_000
MOST_IDENTIFIERS = 20
_KEYS = {"hashed_email": "email_address", "hashed_phone_number": "phone_number"}
_DIGEST = re.compile("[0-9a-f]{64}")
_MICROS = 1_000_000


def create(state: GoogleState, request: CreateOfflineUserDataJobRequest) -> Any:
    """Make a job for a list."""
    if not state.takes_jobs:
        raise Refused("PERMISSION_DENIED", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE")
    if request.validate_only:
        return CreateOfflineUserDataJobResponse()
    told = request.job.customer_match_user_list_metadata.user_list
    number = int(told.rpartition("/")[2] or 0)
    held = state.lists_of(request.customer_id).get(number)
    if held is None or held.kind != "CRM_BASED":
        raise Refused("INVALID_ARGUMENT", "INVALID_USER_LIST_ID", field=_JOB_ERROR)
    name = f"customers/{request.customer_id}/offlineUserDataJobs/{next(state.ids)}"
    state.jobs[name] = JobHeld(list_id=number, account_id=request.customer_id)
    return CreateOfflineUserDataJobResponse(resource_name=name)


def fill(state: GoogleState, request: AddOfflineUserDataJobOperationsRequest) -> Any:
    """Add operations to a job; those that can't be read are told and left out."""
    job = _job(state, request.resource_name)
    if job.is_run:
        raise Refused("FAILED_PRECONDITION", "JOB_ALREADY_STARTED", field=_JOB_ERROR)
    held = state.lists_of(job.account_id)[job.list_id]
    raw = AddOfflineUserDataJobOperationsRequest.pb(request)
    wrong: dict[int, str] = {}
    for index, one in enumerate(raw.operations):
        reason = _wrong(one, is_first=not (job.steps or index))
        if reason and not request.enable_partial_failure:
            raise Refused("INVALID_ARGUMENT", reason, field=_JOB_ERROR)
        if reason:
            wrong[index] = reason
    fine = [one for index, one in enumerate(raw.operations) if index not in wrong]
    job.identifiers += sum(len(_person(one).user_identifiers) for one in fine)
    if job.identifiers > MOST_IDENTIFIERS_A_REQUEST:
        raise Refused("INVALID_ARGUMENT", "REQUEST_TOO_LARGE", field="database_error")
    if any(one.remove_all for one in fine):
        job.steps.append(removal(state, held, None))
    gone = [_row(one.remove) for one in fine if one.WhichOneof("operation") == "remove"]
    added = [
        _row(one.create) for one in fine if one.WhichOneof("operation") == "create"
    ]
    if gone:
        job.steps.append(lambda: held.people.take(gone))
    if added:
        job.steps.append(addition(state, held, added))
    return _answer(wrong)


def run(state: GoogleState, request: RunOfflineUserDataJobRequest) -> Operation:
    """Start a job."""
    job = _job(state, request.resource_name)
    if job.is_run:
        raise Refused("FAILED_PRECONDITION", "JOB_ALREADY_STARTED", field=_JOB_ERROR)
    job.is_run = True
    steps = list(job.steps)

    def carry_out() -> None:
        for step in steps:
            step()

    asked = Asked("job", job.account_id, job.list_id, carry_out)
    job.request_id = state.ask(asked)
    return Operation(name=f"{request.resource_name}/operation")


def found(state: GoogleState, name: str) -> Iterator[dict[str, object]]:
    """A job as a query tells of it."""
    job = state.jobs.get(name)
    if job is None:
        return
    asked = state.look(job.request_id)
    told: dict[str, object] = {"resource_name": name, "status": "PENDING"}
    if asked and asked.failed_because:
        told |= {"status": "FAILED", "failure_reason": "UNKNOWN"}
    elif asked:
        told["status"] = "SUCCESS" if asked.is_done else "RUNNING"
    yield {"offline_user_data_job": told}


_JOB_ERROR = "offline_user_data_job_error"


def _job(state: GoogleState, name: str) -> JobHeld:
    if name not in state.jobs:
        raise Refused("INVALID_ARGUMENT", "RESOURCE_NOT_FOUND", field="mutate_error")
    return state.jobs[name]


def _person(operation: Any) -> Any:
    kind = operation.WhichOneof("operation")
    return operation.remove if kind == "remove" else operation.create


def _wrong(operation: Any, *, is_first: bool) -> str:
    """Why an operation is not taken, in Google's word; empty when it is."""
    if operation.WhichOneof("operation") == "remove_all":
        return "" if is_first else "INVALID_OPERATION_ORDER"
    identifiers = _person(operation).user_identifiers
    if not identifiers:
        return "MISSING_USER_IDENTIFIER"
    if len(identifiers) > MOST_IDENTIFIERS:
        return "TOO_MANY_USER_IDENTIFIERS"
    digests = (getattr(one, one.WhichOneof("identifier")) for one in identifiers)
    return "" if all(map(_DIGEST.fullmatch, digests)) else "INVALID_SHA256_FORMAT"


def _row(user_data: Any) -> Row:
    named = [
        (_KEYS[key], getattr(one, key))
        for one in user_data.user_identifiers
        if (key := one.WhichOneof("identifier")) in _KEYS
    ]
    micros = user_data.user_attribute.lifetime_value_micros
    if user_data.HasField("user_attribute"):
        named.append(("value", str(micros / _MICROS)))
    return tuple(sorted(named))


def _answer(wrong: dict[int, str]) -> Any:
    return AddOfflineUserDataJobOperationsResponse(
        partial_failure_error=partly_refused(wrong, _JOB_ERROR, "operations")
    )
