"""Forms towards Meta are written quickly, and as the standard library writes them."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from activation.graph import form


@given(st.dictionaries(st.text(), st.text() | st.text('ab09 %+&={}[]":,~\x00\n')))
def test_a_form_is_what_urlencode_makes_of_it(values: dict[str, str]) -> None:
    assert form(values) == urlencode(values)
