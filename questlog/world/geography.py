"""Where people live: names, clocks and telephone ranges set aside for fiction."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from questlog.world.parameters import DAY, MINUTE

# Names reserved by RFC 2606: no mail ever reaches a person there.
MAIL_DOMAINS = ("example.com", "example.org", "example.net")

# Addresses reserved for documentation by RFC 5737 and RFC 3849.
DOCUMENTATION_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:0:1::")


@dataclass(frozen=True, slots=True)
class Country:
    """A country as far as the simulator needs it.

    `phone` is a range that the country's regulator keeps for drama and fiction, each
    `#` a free digit; empty where there is none. People pay in `currency`.
    """

    code: str
    share: float
    timezone: str
    locale: str
    phone: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    currency: str = "EUR"


# What a cent of our prices is in the smallest unit of each currency: a price list, and
# no exchange rate.
PRICE_LIST = {
    "EUR": 1.0,
    "USD": 1.1,
    "GBP": 0.9,
    "SEK": 11.0,
    "AUD": 1.7,
    "PLN": 4.0,
    "JPY": 1.6,
    "KRW": 15.0,
}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES = (
    Country(
        "DE",
        0.34,
        "Europe/Berlin",
        "de-DE",
        "+493023125###",
        _names("Jürgen Anneliese Björn Käthe Lukas Mia Sören Frauke Jonas Zoë Emre"),
        _names("Müller Schäfer Groß Weiß Köhler Özdemir Vogel Böhm Krüger Jäger"),
    ),
    Country(
        "US",
        0.20,
        "America/New_York",
        "en-US",
        "+120255501##",
        _names("Avery José Morgan Riley Noah Imani Chloé Dakota Harper Xochitl"),
        _names("Nguyen O'Neill García Walker Brooks Núñez Carter Reed Hayes Kim"),
        "USD",
    ),
    Country(
        "GB",
        0.12,
        "Europe/London",
        "en-GB",
        "+447700900###",
        _names("Siân Oliver Amelia Callum Freya Rhys Zara Hamish Priya Nia"),
        _names("Llewellyn Smith-Jones Patel MacDonald Hughes Clarke Okafor Shaw"),
        "GBP",
    ),
    Country(
        "FR",
        0.11,
        "Europe/Paris",
        "fr-FR",
        "+33639980###",
        _names("Valéry Zoé Françoise Loïc Anaïs Jérôme Maëlle Noël Inès Théo"),
        _names("Lefèvre Dupré Garçon Béranger Faure Gauthier N'Diaye Moreau"),
    ),
    Country(
        "SE",
        0.06,
        "Europe/Stockholm",
        "sv-SE",
        "+467017406##",
        _names("Åsa Björn Märta Örjan Elin Göran Freja Nils"),
        _names("Öberg Åkesson Sjöström Lindqvist Nyström Hägg"),
        "SEK",
    ),
    Country(
        "AU",
        0.05,
        "Australia/Sydney",
        "en-AU",
        "+61255501###",
        _names("Matilda Lachlan Indigo Bronte Kai Tahlia"),
        _names("Bradley Nguyen O'Brien Fraser Papadopoulos"),
        "AUD",
    ),
    Country(
        "PL",
        0.05,
        "Europe/Warsaw",
        "pl-PL",
        "",
        _names("Łukasz Małgorzata Żaneta Paweł Zofia Jędrzej"),
        _names("Wójcik Dąbrowska Kołodziej Zając Świątek"),
        "PLN",
    ),
    Country(
        "GR",
        0.03,
        "Europe/Athens",
        "el-GR",
        "",
        _names("Ελένη Γιώργος Δήμητρα Νίκος"),
        _names("Παπαδοπούλου Νικολάου Γεωργίου"),
    ),
    Country(
        "JP",
        0.02,
        "Asia/Tokyo",
        "ja-JP",
        "",
        _names("さくら 健太 美咲 翔"),
        _names("佐藤 鈴木 高橋 田中"),
        "JPY",
    ),
    Country(
        "KR",
        0.02,
        "Asia/Seoul",
        "ko-KR",
        "",
        _names("민준 서연 지우 정"),
        _names("김 이 박 최"),
        "KRW",
    ),
)


@lru_cache(maxsize=65_536)
def offset(timezone: str, day: int) -> int:
    """How far local clocks are ahead of UTC at noon of a day, in milliseconds.

    `day` counts days since 1970.
    """
    noon = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    ahead = noon.astimezone(ZoneInfo(timezone)).utcoffset() or timedelta(0)
    return ahead // timedelta(minutes=1) * MINUTE


def from_local(timezone: str, day: int, since_midnight: int) -> int:
    """The moment of a local time of day, in milliseconds since 1970."""
    return day * DAY + since_midnight - offset(timezone, day)
