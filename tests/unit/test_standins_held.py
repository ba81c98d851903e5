"""The packed people of a stand-in's set, held against a plain set of rows."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from activation.standins.held import Held, Row
from activation.standins.payload import KEYS

Step = tuple[str, list[Row]]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


names = st.sampled_from(["ann", "bob", "cat", "dan"])
rows = st.builds(
    lambda person, contact, home: (
        ("EMAIL", digest(contact)),
        ("EXTERN_ID", person),
        ("FN", digest(home)),
    ),
    names,
    names,
    names,
)
steps = st.lists(st.tuples(st.sampled_from(["put", "take"]), st.lists(rows)))


@given(steps)
def test_it_holds_what_a_set_of_rows_would(steps: list[Step]) -> None:
    held, plain = Held(KEYS), set[Row]()

    for what, some in steps:
        if what == "put":
            held.put(some)
            plain |= set(some)
        else:
            held.take(some)
            named = {pair for row in some for pair in row if pair[0] != "FN"}
            plain = {row for row in plain if not named & set(row)}

    assert sorted(map(sorted, (one.items() for one in held.rows()))) == sorted(
        map(sorted, plain)
    )
    assert len(held) == len(plain)


def test_who_is_put_in_again_has_the_new_value_and_moment() -> None:
    held = Held(KEYS)
    row = (("EXTERN_ID", "ann"),)

    held.put([(*row, ("LOOKALIKE_VALUE", "1.0"))], now=1.0)
    held.put([(*row, ("LOOKALIKE_VALUE", "2.0"))], now=5.0)
    held.put([(("EXTERN_ID", "bob"),)], now=2.0)
    held.take_older(2.0)

    assert list(held.rows()) == [{"EXTERN_ID": "ann", "LOOKALIKE_VALUE": "2.0"}]
    assert list(held.rows(since=6.0)) == []
    assert len(held) == 1
