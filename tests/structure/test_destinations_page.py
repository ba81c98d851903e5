"""The page on destinations shows one that works, and names those there are."""

import re
from pathlib import Path
from types import ModuleType

from activation.destinations.kinds import kinds
from activation.destinations.protocol import Member, Wanted
from activation.identifiers import Identifiers, plain_identity
from activation.patience import Patience
from warehouse.settings import REPOSITORY, Settings

PAGE = (REPOSITORY / "docs" / "destinations.md").read_text()


def test_the_page_names_every_destination() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))

    assert named == set(kinds())


def test_the_destination_that_the_page_shows_keeps_sets(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example
    module = ModuleType("texts")
    exec(compile(example.group(1), "texts.py", "exec"), module.__dict__)  # noqa: S102
    opened = module.KIND.open(Settings(home=tmp_path), Patience())
    ann, bob = (plain_identity(Identifiers(name), b"k") for name in ("ann", "bob"))
    wanted = Wanted(audience="best", meaning="The best.")

    before = opened.find(wanted)
    remote_id = opened.make(wanted)
    opened.add(remote_id, [Member(identity=ann), Member(identity=bob)])
    opened.remove(remote_id, [ann])

    assert (before, opened.find(wanted)) == ("", "best")
    held = (tmp_path / "texts" / "best").read_text().split()
    assert held == [bob["external_id"].hex]
