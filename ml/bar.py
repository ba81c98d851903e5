"""What a model must be better in before it writes scores, and beyond what luck."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.cards.resampling import Measured, Resampled


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The figures in which a model must beat each rule.

    `must_beat` gives the sign of what is better; `chosen_by` the figure of which the
    smallest wins among those that pass.
    """

    rules: tuple[str, ...]
    must_beat: Mapping[str, int]
    chosen_by: str
    never: frozenset[str] = field(default_factory=frozenset)

    def passing(
        self, figures: Resampled, unsound: frozenset[str] = frozenset()
    ) -> list[str]:
        """Those that beat every rule that ran beside them, beyond luck."""
        measured = figures.measured
        return [
            name
            for name in self._asked(measured, unsound)
            if all(
                self.beats(figures, name, rule)
                for rule in self.rules
                if rule in measured
            )
        ]

    def leader(
        self, measured: Measured, unsound: frozenset[str] = frozenset()
    ) -> str | None:
        """The best of those ahead of every rule, by luck or not; None: nobody is."""
        return self.best(
            measured,
            [
                name
                for name in self._asked(measured, unsound)
                if all(
                    self.ahead(measured, name, rule)
                    for rule in self.rules
                    if rule in measured
                )
            ],
        )

    def best(self, measured: Measured, names: list[str]) -> str | None:
        """The one of the smallest figure to choose by; None of nobody."""
        return min(names, key=lambda one: measured[one][self.chosen_by], default=None)

    def ahead(self, measured: Measured, one: str, other: str) -> bool:
        """Better in all the figures, by however little."""
        return all(
            sign * (measured[one][figure] - measured[other][figure]) > 0
            for figure, sign in self.must_beat.items()
        )

    def beats(self, figures: Resampled, one: str, other: str) -> bool:
        """Ahead in all, and in one of them beyond the luck of who was judged.

        Beyond luck: the 95 % interval of the difference, of the same people drawn
        again, has no 0 in it.
        """
        if not self.ahead(figures.measured, one, other):
            return False
        gaps = {
            figure: figures.difference(one, other, figure) for figure in self.must_beat
        }
        return any(
            (gap.high < 0) if self.must_beat[figure] < 0 else (gap.low > 0)
            for figure, gap in gaps.items()
        )

    def _asked(self, measured: Measured, unsound: frozenset[str]) -> list[str]:
        return [name for name in measured if name not in {*self.never, *unsound}]
