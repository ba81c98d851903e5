"""Second thoughts about consent: advertising withdrawn, analytics denied."""

from collections.abc import Iterator

from questlog.world.happenings import Happening
from questlog.world.newcomers import consent
from questlog.world.parameters import DAY
from questlog.world.scene import Scene, an_online_visit

_WITHDRAWS = 0.05


def second_thoughts(scene: Scene) -> Iterator[Happening]:
    """Decisions made later, in the settings or through support."""
    chance = scene.parameters.stream("second thoughts")
    for person, course in scene.cast():
        visit = an_online_visit(chance, person.devices[0])
        withdraws, where = chance.random() < _WITHDRAWS, chance.random()
        begins = max(person.joined_at, scene.parameters.history_from) + 2 * DAY
        ends = min(course.left_at, scene.parameters.live_to)
        if withdraws and begins < ends:
            at = begins + int(where * (ends - begins))
            by_mail = where < 0.2
            yield consent(
                person,
                None if by_mail else visit,
                at,
                purpose="advertising",
                granted=False,
                via="support" if by_mail else "settings",
            )
        denied_at = scene.denied_at.get(person.index)
        if denied_at:
            yield consent(
                person,
                None,
                denied_at,
                purpose="analytics",
                granted=False,
                via="settings",
            )
