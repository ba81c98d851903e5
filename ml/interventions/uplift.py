"""What writing to people did, beside those held out."""

from dataclasses import dataclass
from math import sqrt

from ml.cards.reliability import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplift:
    """The share that stayed of those written to, less that of those held out.

    `low` and `high`: its 95 % interval. Everyone decided on counts in their arm,
    whether or not a message reached them.
    """

    trigger: str
    written_to: int
    held_out: int
    difference: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """What the interval allows to say."""
        if self.low > 0:
            return "it keeps people"
        return "it drives people away" if self.high < 0 else "no effect shown"


def uplift(
    trigger: str, *, written_to: tuple[int, int], held_out: tuple[int, int]
) -> Uplift:
    """From (stayed, people) of each arm; Newcombe's interval of a difference (1998).

    An arm without people tells nothing: the interval is then from -1 to 1.
    """
    if not (written_to[1] and held_out[1]):
        ends = (0.0, -1.0, 1.0)
    else:
        one, other = wilson(*written_to), wilson(*held_out)
        gap = written_to[0] / written_to[1] - held_out[0] / held_out[1]
        p, q = written_to[0] / written_to[1], held_out[0] / held_out[1]
        ends = (
            gap,
            gap - sqrt((p - one.low) ** 2 + (other.high - q) ** 2),
            gap + sqrt((one.high - p) ** 2 + (q - other.low) ** 2),
        )
    return Uplift(
        trigger=trigger,
        written_to=written_to[1],
        held_out=held_out[1],
        difference=ends[0],
        low=ends[1],
        high=ends[2],
    )
