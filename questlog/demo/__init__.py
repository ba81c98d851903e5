"""`make demo`: the whole main job on one machine, and one screen at its end."""
