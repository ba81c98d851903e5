"""Hold our normal forms against vectors: an input, its form, its digest."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from activation.identifiers import hashed
from activation.normal_forms import NORMAL_FORMS
from warehouse.errors import BadInput

Difference = dict[str, object]


def differences(vectors: object) -> tuple[int, list[Difference]]:
    """How many vectors there are, and where ours differ.

    Raises BadInput for a file of another shape, or a key that we have no form for.
    """
    cases = list(_cases(vectors))
    found = [
        difference
        for platform, case in cases
        if (difference := _difference(platform, case))
    ]
    return len(cases), found


def _cases(vectors: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(vectors, dict):
        raise BadInput("Expected an object of platforms, each with a list of vectors.")
    for platform, cases in vectors.items():
        for case in cases:
            if case.get("key") not in NORMAL_FORMS.get(platform, {}):
                known = ", ".join(NORMAL_FORMS.get(platform, NORMAL_FORMS))
                raise BadInput(
                    f"{platform} {case.get('key')!r}: no such platform or key. Known"
                    f" are {known}."
                )
            yield platform, case


def _difference(platform: str, case: Mapping[str, Any]) -> Difference | None:
    form = NORMAL_FORMS[platform][case["key"]](case["in"])
    digest = hashed(form).hex
    ours = {
        "norm": form,
        "sha256": digest,
        "b64": base64.b64encode(bytes.fromhex(digest)).decode(),
    }
    wrong = {
        name: made for name, made in ours.items() if name in case and case[name] != made
    }
    if not wrong:
        return None
    return {"platform": platform, "key": case["key"], "expected": dict(case), **wrong}
