"""Model cards: what a model is, how it was judged, and what it is not for."""
