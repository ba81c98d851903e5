"""What a run follows is written down only when everything has followed it."""

import re

import pytest

from warehouse.transformation import PROJECT

MODELS = PROJECT / "models"
LAST = {
    "forget_touched_people": MODELS / "intermediate/int_identity_followed.sql",
    "forget_changed_users": MODELS / "intermediate/int_people_of_ids.sql",
    "forget_new_events": MODELS / "staging/stg_loads.sql",
    "forget_repeated_ids": MODELS / "staging/stg_loads.sql",
}
BY_WAY_OF = {"int_people_of_ids": {"int_device_users"}}
"""Models that the last one stands on without naming them."""


@pytest.mark.parametrize("hook", LAST)
def test_a_layer_ends_after_every_model_that_replaces_rows(hook: str) -> None:
    replacing = {
        path.stem for path in MODELS.rglob("*.sql") if f"{hook}()" in path.read_text()
    }
    last = LAST[hook]
    waited_for = set(re.findall(r"ref\('(\w+)'\)", last.read_text()))

    assert replacing
    assert replacing <= waited_for | BY_WAY_OF.get(last.stem, set())
