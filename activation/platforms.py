"""Which ad platforms there are, and of which the settings name an account."""

from collections.abc import Sequence

from activation.destination import Destination
from warehouse.errors import BadSetting
from warehouse.settings import Settings

META, GOOGLE = "meta", "google"
PLATFORMS = (META, GOOGLE)


def chosen(settings: Settings) -> Sequence[str]:
    """The platforms of which any setting of an account is set."""
    started = {
        META: (settings.meta_access_token, settings.meta_ad_account_id),
        GOOGLE: (
            settings.google_customer_id,
            settings.google_developer_token,
            settings.google_refresh_token,
            settings.google_service_account_file,
        ),
    }
    return [platform for platform in PLATFORMS if any(started[platform])]


def configured(settings: Settings) -> Sequence[str]:
    """The platforms to send to.

    Raises BadSetting when there is none.
    """
    found = chosen(settings)
    if not found:
        raise BadSetting(
            "META_ACCESS_TOKEN and META_AD_ACCOUNT_ID are not set, nor are"
            " GOOGLE_CUSTOMER_ID and GOOGLE_DEVELOPER_TOKEN: there is no ad account to"
            " send to. Set those of a platform (docs/settings.md), or use its stand-in:"
            " `questlog serve graph-standin`, `questlog serve google-standin`."
            " `questlog audiences push --dry-run` needs none."
        )
    return found


def destination_of(platform: str, settings: Settings) -> Destination:
    """The account of a platform.

    Raises BadSetting naming what is missing.
    """
    # an SDK takes seconds to import: only that of a platform in use
    if platform == GOOGLE:
        from activation.google import google_destination

        return google_destination(settings)
    from activation.meta import meta_destination

    return meta_destination(settings)
