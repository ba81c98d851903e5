"""What no event says: each person's true state, for judging models later."""

from collections.abc import Iterator
from typing import Any

from questlog.world.parameters import day_of
from questlog.world.scene import Scene
from questlog.world.wire import timestamp


def people_gone(scene: Scene, moment: int) -> int:
    """How many of those who had joined by a moment had left by it."""
    return sum(
        person.joined_at < moment and scene.left_at(person) <= moment
        for person in scene.people
    )


def latent_states(scene: Scene) -> Iterator[dict[str, Any]]:
    """One state per person who joined before history ended, as of that end.

    Rates and hazards are per day; the hazard is 0 for those who are gone. `left_at`
    may lie in the future: it is when the person will leave, if nothing else changes.
    """
    parameters = scene.parameters
    group_of = scene.group_of
    for person, course in scene.cast():
        if person.joined_at >= parameters.history_to:
            continue
        alive = scene.left_at(person) > parameters.history_to
        yield {
            "user_id": person.user_id,
            "joined_on": day_of(person.joined_at).isoformat(),
            "alive": alive,
            "left_at": timestamp(scene.left_at(person), ""),
            "fading": alive and course.fades_from < parameters.history_to,
            "activity": course.active_share(parameters.history_to),
            "hazard": course.hazard if alive else 0.0,
            "appetite": person.appetite,
            "purchase_rate": person.purchase_rate if alive else 0.0,
            "usual_price_minor": round(person.usual_price),
            "subscribes": person.subscribes if alive else "",
            "seated": person.index in group_of,
            "denied_analytics": person.index in scene.denied_at,
        }
