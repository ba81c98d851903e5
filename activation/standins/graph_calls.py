"""What the stand-in of the Graph API does with a call on an account or its things."""

from collections.abc import Callable, Mapping
from typing import Any

from activation.standins.account import Account, Answer, Audience, Refusal
from activation.standins.faults import Budget, Faults
from activation.standins.payload import read_rows
from activation.standins.pixel import PIXEL, Pixel

VERSION = "v26.0"
_MOST_A_PAGE = 200
_NO_OBJECT = Refusal(100, "Unsupported request: no object has this id", 33)
_NO_EDGE = Refusal(100, "Unsupported request", 33)
_NO_TERMS = Refusal(200, "The custom audience terms are not accepted", 1870090)

Params = Mapping[str, Any]


class GraphStandin:
    """The accounts and pixels of one stand-in, and the faults asked of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.faults = Faults()
        self.budget = Budget(clock=clock)
        self.token_is_revoked = False
        self.terms_are_accepted = True
        self.pixels: dict[str, Pixel] = {}
        self.callers: set[str] = set()

    def account(self, account_id: str) -> Account:
        """An account, opened on first use."""
        return self.accounts.setdefault(account_id, Account(self.clock))

    def find(self, node: str) -> tuple[Account, Audience] | None:
        """Where an audience is."""
        for account in self.accounts.values():
            if node in account.audiences:
                return account, account.audiences[node]
        return None

    def pixel(self, node: str) -> Pixel:
        """A pixel, opened on first use."""
        return self.pixels.setdefault(node, Pixel())


def carry_out(
    standin: GraphStandin, method: str, path: str, params: Params
) -> Answer | Refusal:
    """Meta's answer to a call, or its refusal."""
    version, _, rest = path.strip("/").partition("/")
    if version != VERSION:
        return Refusal(2635, f"(#2635) This stand-in speaks {VERSION} only")
    if standin.token_is_revoked or not params.get("access_token"):
        return Refusal(190, "Error validating access token", 460, status=401)
    node, _, edge = rest.partition("/")
    verb = str(params.get("method", method)).upper()
    return _on_node(standin, node, edge=edge, verb=verb, params=params)


def _on_node(
    standin: GraphStandin, node: str, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    if node == "me":
        return _on_me(edge, verb)
    if node.startswith("act_") and node.removeprefix("act_").isdecimal():
        return _on_account(standin, node, edge=edge, verb=verb, params=params)
    if edge == "events" or node == PIXEL:
        return _on_pixel(standin, node, edge=edge, verb=verb, params=params)
    found = standin.find(node)
    if found is None:
        return _NO_OBJECT
    if edge in {"users", "usersreplace"} and not standin.terms_are_accepted:
        return _NO_TERMS
    return _on_audience(*found, edge=edge, verb=verb, params=params)


def _on_me(edge: str, verb: str) -> Answer | Refusal:
    if (verb, edge) != ("GET", "permissions"):
        return _NO_EDGE
    scopes = ("ads_management", "ads_read", "business_management")
    return {"data": [{"permission": one, "status": "granted"} for one in scopes]}


def _on_pixel(
    standin: GraphStandin, node: str, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    match verb, edge:
        case "GET", "":
            return {"id": node, "name": "Pixel of the stand-in"}
        case "POST", "events":
            return standin.pixel(node).take(params)
    return _NO_EDGE


def _on_account(
    standin: GraphStandin, node: str, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    account = standin.account(node.removeprefix("act_"))
    match verb, edge:
        case "GET", "":
            terms = {"custom_audience_tos": int(standin.terms_are_accepted)}
            described = {
                "id": node,
                "account_id": node.removeprefix("act_"),
                "account_status": 1,
                "name": "Account of the stand-in",
                "tos_accepted": terms,
            }
            return _fields(described, params)
        case "GET", "customaudiences":
            return _listed(account, params)
        case "POST", "customaudiences":
            return account.create(params)
        case "DELETE", "usersofanyaudience":
            rows = read_rows(params.get("payload"), is_value_based=False)
            if isinstance(rows, str):
                return Refusal(100, f"(#100) {rows}")
            return account.erase(node, rows)
    return _NO_EDGE


def _listed(account: Account, params: Params) -> Answer:
    limit = min(_whole(params.get("limit"), absent=25), _MOST_A_PAGE)
    first = _whole(params.get("after"), absent=0)
    described = [account.describe(one) for one in account.audiences.values()]
    paging = {"cursors": {"before": str(first), "after": str(first + limit)}}
    if len(described) > first + limit:
        paging |= {"next": {"cursor": str(first + limit)}}
    data = [_fields(one, params) for one in described[first : first + limit]]
    return {"data": data, "paging": paging}


def _whole(text: object, *, absent: int) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else absent


def _fields(described: Answer, params: Params) -> Answer:
    """What was asked for; the id always comes."""
    wanted = {"id", *str(params.get("fields", "")).split(",")}
    return {key: value for key, value in described.items() if key in wanted}


def _on_audience(
    account: Account, audience: Audience, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    match verb, edge:
        case "GET", "":
            # a lookalike is ready after it was looked at a few times
            audience.polls_left = max(0, audience.polls_left - 1)
            return _fields(account.describe(audience), params)
        case "DELETE", "":
            del account.audiences[audience.id]
            return {"success": True}
        case ("POST" | "DELETE", "users") | ("POST", "usersreplace"):
            return _upload(account, audience, edge=edge, verb=verb, params=params)
    return _NO_EDGE


def _not_writable(audience: Audience) -> Refusal | None:
    if audience.subtype != "CUSTOM":
        return Refusal(100, "(#100) The members of a lookalike can't be set")
    if audience.is_flagged:
        return Refusal(100, "The audience is flagged", 1713230)
    return None


def _upload(
    account: Account, audience: Audience, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    refused = _not_writable(audience)
    if refused:
        return refused
    rows = read_rows(params.get("payload"), is_value_based=audience.is_value_based)
    if isinstance(rows, str):
        return Refusal(100, f"(#100) {rows}")
    session = params.get("session")
    if edge == "usersreplace":
        if not isinstance(session, dict):
            return Refusal(100, "(#100) session is required")
        return account.replace(audience, rows, session)
    uploaded = session if isinstance(session, dict) else None
    if verb == "DELETE":
        return account.remove(audience, rows, uploaded)
    return account.add(audience, rows, uploaded)
