"""BG/NBD for customers who may also leave right after their first purchase.

Batislam, Denizel, Filiztekin (2007), Empirical validation and comparison of models for
customer base analysis, International Journal of Research in Marketing 24(3).
"""

from dataclasses import dataclass
from typing import ClassVar

from ml.lifetime_value.bg_nbd import BgNbd


@dataclass(frozen=True, slots=True, kw_only=True)
class MbgNbd(BgNbd):
    """The model with its four parameters, of the same meaning as BG/NBD's."""

    CHANCES_AT_ONCE: ClassVar[int] = 1
