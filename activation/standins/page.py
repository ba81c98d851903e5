"""The stand-in's page: what it holds, for whoever wants to see it arrive."""

from collections.abc import Mapping
from html import escape

from activation.standins.account import Account, Audience

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
       padding: 0 1rem; color: #1c1e21; background: #fff }
.notice { border-left: 4px solid #b45309; padding: .25rem 1rem; background: #fffbeb }
table { border-collapse: collapse; width: 100%; margin-top: 1rem }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #d0d5dd }
.number { text-align: right; font-variant-numeric: tabular-nums }
"""


def page(accounts: Mapping[str, Account]) -> str:
    """The whole page as HTML."""
    parts = [_account(account_id, one) for account_id, one in accounts.items()]
    body = "".join(parts) or "<p>No ad account has been called yet.</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Stand-in of Meta's Graph API</title><style>{_STYLE}</style></head><body>
<h1>Stand-in of Meta's Graph API &mdash; not Meta</h1>
<p class="notice">This process plays the part of an ad account on your own machine.
Nothing here reaches Meta. It holds digests only, in memory: they are gone when it
stops.</p>
{body}</body></html>"""


def _account(account_id: str, account: Account) -> str:
    rows = "".join(_row(account, one) for one in account.audiences.values())
    heading = f"<h2>Ad account act_{escape(account_id)}</h2>"
    if not rows:
        return f"{heading}<p>It has no audiences.</p>"
    return f"""{heading}<table><thead><tr><th>Audience</th><th>Id</th><th>Kind</th>
<th class="number">Members</th><th class="number">Unreadable rows</th><th>State</th>
</tr></thead><tbody>{rows}</tbody></table>"""


def _row(account: Account, audience: Audience) -> str:
    is_lookalike = audience.subtype == "LOOKALIKE"
    members = "Meta's choice" if is_lookalike else f"{len(audience.members):,}"
    return (
        f"<tr><td>{escape(audience.name)}</td><td>{audience.id}</td>"
        f"<td>{_kind(account, audience)}</td>"
        f'<td class="number">{members}</td>'
        f'<td class="number">{audience.invalid:,}</td>'
        f"<td>{_state(audience)}</td></tr>"
    )


def _kind(account: Account, audience: Audience) -> str:
    if audience.subtype != "LOOKALIKE":
        return "custom"
    seed = account.audiences.get(audience.origin_id)
    spec = audience.lookalike_spec
    return (
        f"lookalike of {escape(seed.name if seed else audience.origin_id)},"
        f" {escape(str(spec.get('country')))}, {escape(str(spec.get('ratio')))}"
    )


def _state(audience: Audience) -> str:
    if audience.session is not None:
        return "being replaced"
    return "being built" if audience.polls_left else "in force"
