"""What finds a person's ids in any text, and nothing that only looks like one.

An id that no other word could be (`user_10257`, a UUID) is found wherever it stands by
itself. A plain one (`ann`, `42`) is found as the value of a JSON key that names an id,
and where it is all that a column of ids holds: `"country":"de"` names nobody.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

ERASED: Final = "erased"
_SHORTEST_DISTINCT: Final = 6
_LONGEST_WORD: Final = 20
_BEFORE, _AFTER = "(^|[^0-9A-Za-z_-])", "($|[^0-9A-Za-z_-])"
_KEY: Final = '("[0-9A-Za-z_]*(?:id|ids|by|user)": ?")'
_IDS: Final = re.compile(r"(?:^|_)(?:id|ids|key|keys|subject|by|user|told)$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression with what stands before and after an id as its groups."""

    expression: str
    in_texts: bool
    """Whether any text is searched, or only columns that hold ids."""

    @property
    def kind(self) -> str:
        """What it is listed as: ids that came to light later make another pattern."""
        content = self.expression.encode("utf-8", "surrogatepass")
        return f"pattern {blake2b(content, digest_size=8).hexdigest()}"

    def is_for(self, column: str) -> bool:
        """Whether a column of this name is searched by it."""
        return self.in_texts or bool(_IDS.search(column))


def patterns(bare_ids: Sequence[str]) -> list[Pattern]:
    """The patterns of some ids, those of devices without `anon:`."""
    distinct = [one for one in bare_ids if _is_distinct(one)]
    plain = [one for one in bare_ids if not _is_distinct(one)]
    found = []
    if distinct:
        found.append(Pattern(f"{_BEFORE}{_any_of(distinct)}{_AFTER}", in_texts=True))
    if plain:
        found.append(Pattern(f'{_KEY}{_any_of(plain)}(")', in_texts=True))
        found.append(Pattern(f"^()(?:anon:)?{_any_of(plain)}()$", in_texts=False))
    return found


def spellings(word: str) -> list[str]:
    """A word as it stands in texts: itself, and as two writers of JSON write it."""
    written = [json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]]
    return list(dict.fromkeys([word, *written]))


def _is_distinct(bare_id: str) -> bool:
    is_number = bare_id.isdecimal()
    has_digit = any(letter.isdecimal() for letter in bare_id)
    long_enough = len(bare_id) >= _SHORTEST_DISTINCT and has_digit
    return not is_number and (long_enough or len(bare_id) >= _LONGEST_WORD)


def _any_of(words: Sequence[str]) -> str:
    written = [spelt for word in words for spelt in spellings(word)]
    return f"(?:{'|'.join(map(_escaped, written))})"


def _escaped(word: str) -> str:
    """For RE2, which lets punctuation alone be escaped."""
    return "".join(
        f"\\{one}"
        if one.isascii() and not one.isalnum() and one.isprintable() and one not in " _"
        else one
        for one in word
    )
