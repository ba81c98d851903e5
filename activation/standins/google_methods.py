"""The calls that the stand-in of Google's ad APIs answers, service by service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.ads.datamanager_v1 import types as members
from google.ads.googleads.v26.services.types import (
    conversion_adjustment_upload_service as adjustments,
)
from google.ads.googleads.v26.services.types import (
    google_ads_service,
    user_list_service,
)
from google.ads.googleads.v26.services.types import (
    offline_user_data_job_service as jobs,
)
from google.longrunning.operations_pb2 import Operation

from activation.standins import (
    google_events,
    google_lists,
    google_members,
    google_offline,
    google_queries,
)
from activation.standins.user_lists import GoogleState

_ADS = "google.ads.googleads.v26.services"
_MEMBERS = "google.ads.datamanager.v1.IngestionService"

Method = Callable[[GoogleState, Any], Any]


@dataclass(frozen=True, slots=True)
class PlainMessage:
    """A message that is written as it is, without the SDK's wrapper."""

    kind: Any

    def serialize(self, message: Any) -> bytes:
        """Its bytes."""
        return bytes(message.SerializeToString())


METHODS: Mapping[str, Mapping[str, tuple[Method, Any, Any]]] = {
    f"{_ADS}.UserListService": {
        "MutateUserLists": (
            google_lists.mutate,
            user_list_service.MutateUserListsRequest,
            user_list_service.MutateUserListsResponse,
        ),
    },
    f"{_ADS}.GoogleAdsService": {
        "Search": (
            google_queries.search,
            google_ads_service.SearchGoogleAdsRequest,
            google_ads_service.SearchGoogleAdsResponse,
        ),
    },
    f"{_ADS}.OfflineUserDataJobService": {
        "CreateOfflineUserDataJob": (
            google_offline.create,
            jobs.CreateOfflineUserDataJobRequest,
            jobs.CreateOfflineUserDataJobResponse,
        ),
        "AddOfflineUserDataJobOperations": (
            google_offline.fill,
            jobs.AddOfflineUserDataJobOperationsRequest,
            jobs.AddOfflineUserDataJobOperationsResponse,
        ),
        "RunOfflineUserDataJob": (
            google_offline.run,
            jobs.RunOfflineUserDataJobRequest,
            PlainMessage(Operation),
        ),
    },
    f"{_ADS}.ConversionAdjustmentUploadService": {
        "UploadConversionAdjustments": (
            google_events.correct,
            adjustments.UploadConversionAdjustmentsRequest,
            adjustments.UploadConversionAdjustmentsResponse,
        ),
    },
    _MEMBERS: {
        "IngestEvents": (
            google_events.ingest,
            members.IngestEventsRequest,
            members.IngestEventsResponse,
        ),
        "IngestAudienceMembers": (
            google_members.ingest,
            members.IngestAudienceMembersRequest,
            members.IngestAudienceMembersResponse,
        ),
        "RemoveAudienceMembers": (
            google_members.remove,
            members.RemoveAudienceMembersRequest,
            members.RemoveAudienceMembersResponse,
        ),
        "RemoveAllAudienceMembers": (
            google_members.remove_all,
            members.RemoveAllAudienceMembersRequest,
            members.RemoveAllAudienceMembersResponse,
        ),
        "RetrieveRequestStatus": (
            google_members.status,
            members.RetrieveRequestStatusRequest,
            members.RetrieveRequestStatusResponse,
        ),
    },
}
OF_ADS = frozenset(
    name
    for service, methods in METHODS.items()
    if service.startswith(_ADS)
    for name in methods
)
"""The methods of Google Ads; the others are the Data Manager's."""
