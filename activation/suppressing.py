"""People who must not be sent anywhere, whatever else is known of them."""

from collections.abc import Sequence

from activation.rim import Rim

SUPPRESSED = "select person_id from activation.suppressions final where not is_lifted"
"""The people suppressed at this moment, as SQL."""


def suppress(rim: Rim, person_ids: Sequence[str], because: str) -> None:
    """Keep people out of every batch that is sent from now on, old plans included."""
    _note(rim, person_ids, because, is_lifted=False)


def lift(rim: Rim, person_ids: Sequence[str], because: str) -> None:
    """Let people be sent again, where they fit and consent."""
    _note(rim, person_ids, because, is_lifted=True)


def _note(
    rim: Rim, person_ids: Sequence[str], because: str, *, is_lifted: bool
) -> None:
    now = rim.clock()
    rim.client.insert(
        "activation.suppressions",
        [[person_id, because, is_lifted, now] for person_id in person_ids],
        column_names=["person_id", "because", "is_lifted", "suppressed_at"],
    )
