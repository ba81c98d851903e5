"""Members of Google's user lists by offline jobs: for accounts that Google lets.

Since April 2026 a developer token that never uploaded so is refused; the Data Manager
is for everybody else. A job alone carries a lifetime value with each member. It is
made, filled and started by three calls, and looked at by query: a job of which every
operation failed still ends well, so what was refused is told when it is filled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.ads.googleads.v26.enums.types.consent_status import ConsentStatusEnum
from google.ads.googleads.v26.enums.types.offline_user_data_job_status import (
    OfflineUserDataJobStatusEnum,
)
from google.ads.googleads.v26.enums.types.offline_user_data_job_type import (
    OfflineUserDataJobTypeEnum,
)
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.resources.types.offline_user_data_job import (
    OfflineUserDataJob,
)
from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsRequest,
)
from google.ads.googleads.v26.services.types.offline_user_data_job_service import (
    AddOfflineUserDataJobOperationsRequest,
    CreateOfflineUserDataJobRequest,
    RunOfflineUserDataJobRequest,
)

from activation.destinations.protocol import Answer, Member, Outcome
from activation.google_account import TIMEOUT_S, GoogleAccount
from activation.google_members import NO_IDENTIFIER, match_rate
from activation.google_troubles import rows_refused
from activation.identifiers import Identity

_FIELDS: Mapping[str, str] = {
    "email_address": "hashed_email",
    "phone_number": "hashed_phone_number",
}
"""The Data Manager's key → the job's."""
_MICROS = 1_000_000
_Status = OfflineUserDataJobStatusEnum.OfflineUserDataJobStatus
_GRANTED = ConsentStatusEnum.ConsentStatus.GRANTED
_LOOK = (
    "SELECT offline_user_data_job.status, offline_user_data_job.failure_reason,"
    " offline_user_data_job.operation_metadata.match_rate_range"
    " FROM offline_user_data_job"
    " WHERE offline_user_data_job.resource_name = '{}'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineJobs:
    """The members of one account's lists."""

    account: GoogleAccount

    def add(self, list_id: str, people: Sequence[Member]) -> Answer:
        """Start a job that puts members in, with the value of each that has one."""
        request = AddOfflineUserDataJobOperationsRequest()
        message = AddOfflineUserDataJobOperationsRequest.pb(request)
        sent = _named([one.identity for one in people])
        for index in sent:
            created = message.operations.add().create
            _name(created, people[index].identity)
            value = people[index].value
            if value is not None and value >= 0:
                attribute = created.user_attribute
                attribute.lifetime_value_micros = round(value * _MICROS)
        return self._started(list_id, request, sent, len(people))

    def remove(self, list_ids: Sequence[str], people: Sequence[Identity]) -> Answer:
        """Start a job for each list that takes people out."""
        answers = []
        for list_id in list_ids:
            request = AddOfflineUserDataJobOperationsRequest()
            message = AddOfflineUserDataJobOperationsRequest.pb(request)
            sent = _named(people)
            for index in sent:
                _name(message.operations.add().remove, people[index])
            answers.append(self._started(list_id, request, sent, len(people)))
        return _together(answers)

    def remove_all(self, list_id: str) -> str:
        """Start a job that takes everybody out; its name."""
        request = AddOfflineUserDataJobOperationsRequest()
        message = AddOfflineUserDataJobOperationsRequest.pb(request)
        message.operations.add().remove_all = True
        return self._started(list_id, request, [0], 1).request_id

    def outcome(self, request_id: str) -> Outcome:
        """How a job stands."""
        request = SearchGoogleAdsRequest(
            customer_id=self.account.customer_id, query=_LOOK.format(request_id)
        )

        def search() -> list[OfflineUserDataJob]:
            found = self.account.queries.search(
                request=request, retry=None, timeout=TIMEOUT_S
            )
            return [row.offline_user_data_job for row in found]

        found = self.account.call_again("a look at an offline job", search)
        if not found:
            return Outcome(state="failed", reasons={"job_not_found": 1})
        job = found[0]
        if job.status == _Status.FAILED:
            reason = job.failure_reason.name.lower()
            return Outcome(state="failed", reasons={reason: 1})
        return Outcome(
            state="done" if job.status == _Status.SUCCESS else "pending",
            match_rate=match_rate(job.operation_metadata.match_rate_range),
        )

    def _started(
        self,
        list_id: str,
        request: AddOfflineUserDataJobOperationsRequest,
        sent: Sequence[int],
        people: int,
    ) -> Answer:
        """Make a job, fill it, and start it: one that is not started does nothing."""
        unnamed = dict.fromkeys(set(range(people)) - set(sent), NO_IDENTIFIER)
        if not sent:
            return Answer(invalid=len(unnamed), refused=unnamed)
        job = self._made(list_id)
        request.resource_name = job
        request.enable_partial_failure = True
        answer = self.account.call_again(
            "the filling of an offline job",
            lambda: self.account.jobs.add_offline_user_data_job_operations(
                request=request, retry=None, timeout=TIMEOUT_S
            ),
        )
        refused = unnamed | {
            sent[row]: reason
            for row, reason in _refused(answer).items()
            if row < len(sent)
        }
        run = RunOfflineUserDataJobRequest(resource_name=job)
        self.account.call(
            "the start of an offline job",
            lambda: self.account.jobs.run_offline_user_data_job(
                request=run, retry=None, timeout=TIMEOUT_S
            ),
        )
        return Answer(
            request_id=job,
            received=people - len(refused),
            invalid=len(refused),
            refused=refused,
        )

    def _made(self, list_id: str) -> str:
        """The name of a new job. One whose name is lost is never started."""
        customer = self.account.customer_id
        kind = OfflineUserDataJobTypeEnum.OfflineUserDataJobType
        request = CreateOfflineUserDataJobRequest(
            customer_id=customer,
            enable_match_rate_range_preview=True,
            job=OfflineUserDataJob(
                type_=kind.CUSTOMER_MATCH_USER_LIST,
                customer_match_user_list_metadata={
                    "user_list": f"customers/{customer}/userLists/{list_id}",
                    # of a job for a list, consent is the job's and no operation's
                    "consent": {
                        "ad_user_data": _GRANTED,
                        "ad_personalization": _GRANTED,
                    },
                },
            ),
        )
        return str(
            self.account.call_again(
                "the creation of an offline job",
                lambda: self.account.jobs.create_offline_user_data_job(
                    request=request, retry=None, timeout=TIMEOUT_S
                ),
            ).resource_name
        )


def _named(people: Sequence[Identity]) -> list[int]:
    """Who has anything that Google knows, by index."""
    return [
        index
        for index, identity in enumerate(people)
        if any(identity.get(key) and identity[key].hex for key in _FIELDS)
    ]


def _name(user_data: Any, person: Identity) -> None:
    for key, field in _FIELDS.items():
        if key in person and person[key].hex:
            setattr(user_data.user_identifiers.add(), field, person[key].hex)


def _refused(answer: Any) -> Mapping[int, str]:
    """The operations that failed, and why, from the failure packed in the answer."""
    found: dict[int, str] = {}
    for detail in answer.partial_failure_error.details:
        if detail.type_url.endswith("GoogleAdsFailure"):
            found |= rows_refused(GoogleAdsFailure.deserialize(detail.value))
    return found


def _together(answers: Sequence[Answer]) -> Answer:
    """The removals of several lists; refused members are the same in each."""
    return Answer(
        request_id=" ".join(one.request_id for one in answers if one.request_id),
        received=sum(one.received for one in answers),
        invalid=sum(one.invalid for one in answers),
        refused=answers[0].refused if len(answers) == 1 else {},
    )
