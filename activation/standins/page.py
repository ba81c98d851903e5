"""The stand-ins' pages: what they hold, for whoever wants to see it arrive."""

from collections.abc import Iterable, Sequence
from html import escape

from activation.standins.account import Account, Audience
from activation.standins.google_faults import GoogleStandin
from activation.standins.graph_calls import GraphStandin
from activation.standins.user_lists import Asked, GoogleState, UserListHeld

_SHOWN = 20
_STYLE = """
:root { color-scheme: light dark; --line: #d9dde3; --soft: #667085; --bar: #3b6fd4;
        --note: #fff8e6; --edge: #b45309; --ok: #19713b; --wait: #9a6700;
        --bad: #b42318 }
@media (prefers-color-scheme: dark) { :root { --line: #3a3f47; --soft: #98a2b3;
        --bar: #6d9bf1; --note: #2b2410; --edge: #d9a441; --ok: #5cc98a;
        --wait: #e0b252; --bad: #f08a80 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem;
       padding: 0 1.25rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem }
p { margin: .4rem 0 } .soft { color: var(--soft) }
.notice { border-left: 4px solid var(--edge); padding: .4rem 1rem;
          background: var(--note); margin: 1rem 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin-top: .5rem }
th { font-weight: 600; color: var(--soft); font-size: .85rem }
th, td { text-align: left; padding: .45rem .6rem; border-bottom: 1px solid var(--line);
         white-space: nowrap }
td.words { white-space: normal }
.number { text-align: right; font-variant-numeric: tabular-nums }
.bar { display: block; height: 4px; border-radius: 2px; background: var(--bar);
       margin-top: 3px; min-width: 2px }
.ok { color: var(--ok) } .wait { color: var(--wait) } .bad { color: var(--bad) }
code { font-size: .85em }
"""


def page(standin: GraphStandin) -> str:
    """The whole page of Meta's as HTML."""
    parts = [_account(account_id, one) for account_id, one in standin.accounts.items()]
    parts.append(_pixels(standin))
    waiting = [fault.kind for fault in standin.faults.waiting]
    if standin.faults.chance:
        waiting.append(f"drawn by seed {standin.faults.chance.seed}")
    return _page(
        "Stand-in of Meta's Graph API",
        "not Meta",
        "plays the part of an ad account and a pixel on your own machine",
        parts if standin.accounts or standin.pixels else [],
        waiting,
    )


def google_page(standin: GoogleStandin) -> str:
    """The whole page of Google's as HTML."""
    state = standin.state
    parts = [_customer(customer, lists) for customer, lists in _lists(state)]
    if state.requests:
        parts.append(_requests(state))
    if state.events_received:
        parts.append(_conversions(state))
    waiting = [f"{fault.method} {fault.code}" for fault in standin.faults]
    if standin.chance:
        waiting.append(f"drawn by seed {standin.chance.seed}")
    return _page(
        "Stand-in of Google's ad APIs",
        "not Google",
        "plays the part of Google Ads and the Data Manager on your own machine",
        parts,
        waiting,
    )


def _page(
    title: str, denial: str, part: str, parts: Sequence[str], waiting: Iterable[str]
) -> str:
    body = "".join(parts) or "<p>No ad account has been called yet.</p>"
    faults = ", ".join(escape(one) for one in waiting)
    if faults:
        body += f'<h2>Faults to come</h2><p class="bad">{faults}</p>'
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<meta name="viewport" content="width=device-width">
<title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title} &mdash; {denial}</h1>
<p class="notice">This process {part}. Nothing here reaches anybody else. It holds
digests only, in memory: they are gone when it stops. Whether a platform would match
a person, it cannot tell.</p>
{body}
<p class="soft">The page looks again every ten seconds. <code>/_standin/state</code>
has all of it as JSON.</p></body></html>"""


def _account(account_id: str, account: Account) -> str:
    heading = f"<h2>Ad account act_{escape(account_id)}</h2>"
    if not account.audiences:
        return f"{heading}<p>It has no audiences.</p>"
    most = max(len(one.people) for one in account.audiences.values())
    rows = [_audience(account, one, most) for one in account.audiences.values()]
    count = f'<p class="soft">{len(rows)} of 500 audiences</p>'
    columns = ("Audience", "Kind", "#Members", "#Unreadable rows", "State", "Id")
    return heading + count + _table(columns, rows)


def _audience(account: Account, audience: Audience, most: int) -> str:
    is_lookalike = audience.subtype == "LOOKALIKE"
    members = "Meta's choice" if is_lookalike else _bar(len(audience.people), most)
    return (
        f"<tr><td>{escape(audience.name)}</td>"
        f'<td class="words">{_kind(account, audience)}</td>'
        f'<td class="number">{members}</td>'
        f'<td class="number">{audience.invalid:,}</td>'
        f"<td>{_state(audience)}</td><td><code>{audience.id}</code></td></tr>"
    )


def _kind(account: Account, audience: Audience) -> str:
    if audience.subtype != "LOOKALIKE":
        return "custom, with values" if audience.is_value_based else "custom"
    seed = account.audiences.get(audience.origin_id)
    spec = audience.lookalike_spec
    return (
        f"lookalike of {escape(seed.name if seed else audience.origin_id)},"
        f" {escape(str(spec.get('country')))}, {escape(str(spec.get('ratio')))}"
    )


def _state(audience: Audience) -> str:
    if audience.is_flagged:
        return '<span class="bad">flagged for its name (471)</span>'
    if audience.session is not None:
        return '<span class="wait">being replaced</span>'
    if audience.polls_left:
        return '<span class="wait">being built</span>'
    return '<span class="ok">in force</span>'


def _pixels(standin: GraphStandin) -> str:
    parts = []
    for number, pixel in standin.pixels.items():
        counted: dict[str, list[float]] = {}
        for event in pixel.events.values():
            value = (event.get("custom_data") or {}).get("value") or 0
            counted.setdefault(str(event["event_name"]), []).append(float(value))
        rows = [
            f'<tr><td>{escape(name)}</td><td class="number">{len(values):,}</td>'
            f'<td class="number">{sum(values):,.2f}</td></tr>'
            for name, values in sorted(counted.items())
        ]
        twice = pixel.received - len(pixel.events)
        parts.append(
            f"<h2>Pixel {escape(number)}</h2><p class='soft'>{pixel.received:,} events"
            f" received, {twice:,} of them told before</p>"
            + _table(("Event", "#Events", "#Value"), rows)
        )
    return "".join(parts)


def _lists(state: GoogleState) -> Iterable[tuple[str, Sequence[UserListHeld]]]:
    return [(customer, list(lists.values())) for customer, lists in state.lists.items()]


def _customer(customer: str, lists: Sequence[UserListHeld]) -> str:
    heading = f"<h2>Google Ads account {escape(customer)}</h2>"
    if not lists:
        return f"{heading}<p>It has no user lists.</p>"
    most = max(len(one.people) for one in lists)
    names = {one.id: one.name for one in lists}
    rows = []
    for one in lists:
        seeds = ", ".join(escape(names.get(seed, str(seed))) for seed in one.seed_ids)
        kind = f"lookalike of {seeds}" if one.seed_ids else "Customer Match"
        members = "Google's choice" if one.seed_ids else _bar(len(one.people), most)
        kept = f"{one.life_span_days} days" if one.life_span_days else ""
        rows.append(
            f'<tr><td>{escape(one.name)}</td><td class="words">{kind}</td>'
            f'<td class="number">{members}</td><td class="number">{kept}</td>'
            f"<td><code>{one.id}</code></td></tr>"
        )
    columns = ("User list", "Kind", "#Members", "#Kept for", "Id")
    return heading + _table(columns, rows)


def _requests(state: GoogleState) -> str:
    latest = list(state.requests.items())[-_SHOWN:]
    rows = [
        f"<tr><td>{escape(asked.kind)}</td>"
        f'<td class="number">{asked.records:,}</td>'
        f'<td class="words">{_standing(asked)}</td>'
        f"<td><code>{escape(number)}</code></td></tr>"
        for number, asked in reversed(latest)
    ]
    columns = ("What", "#Rows", "How it stands", "Request")
    count = f'<p class="soft">the last {len(rows)} of {len(state.requests):,}</p>'
    return "<h2>Requests</h2>" + count + _table(columns, rows)


def _standing(asked: Asked) -> str:
    if asked.failed_because:
        return f'<span class="bad">failed: {escape(asked.failed_because)}</span>'
    if not asked.is_done:
        return '<span class="wait">waiting</span>'
    if asked.refused:
        said = ", ".join(f"{count} {why}" for why, count in asked.refused.items())
        return f'<span class="wait">done in part: {escape(said)}</span>'
    return '<span class="ok">done</span>'


def _conversions(state: GoogleState) -> str:
    counted: dict[str, list[float]] = {}
    for event in state.events.values():
        counted.setdefault(str(event["action"]), []).append(float(event["value"]))
    rows = [
        f'<tr><td><code>{escape(action)}</code></td><td class="number">'
        f'{len(values):,}</td><td class="number">{sum(values):,.2f}</td></tr>'
        for action, values in sorted(counted.items())
    ]
    received = f"{state.events_received:,} events received, each counted once"
    columns = ("Conversion action", "#Conversions", "#Value")
    return f"<h2>Conversions</h2><p class='soft'>{received}</p>{_table(columns, rows)}"


def _table(columns: Sequence[str], rows: Iterable[str]) -> str:
    """A table; a column whose name begins with # holds numbers."""
    head = "".join(
        f'<th class="number">{one[1:]}</th>' if one[0] == "#" else f"<th>{one}</th>"
        for one in columns
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _bar(size: int, most: int) -> str:
    share = 100 * size // most if most else 0
    return f'{size:,}<span class="bar" style="width:{share}%"></span>'
