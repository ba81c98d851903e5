"""How chance is asked."""

import numpy as np


def happens(chance: np.random.Generator, probability: float) -> bool:
    """Whether something of this probability happens this time."""
    return bool(chance.random() < probability)
