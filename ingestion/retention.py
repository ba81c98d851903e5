"""Segments of the log that ClickHouse has: kept for a while, then dropped."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

from ingestion.frames import segment_path, segment_starts
from ingestion.segments import drop_before


def drop_loaded(
    folder: Path, *, loaded: int, now: datetime, keep: timedelta, is_low: bool
) -> list[Path]:
    """Drop segments that are loaded whole, once their last record is older than `keep`.

    Where the disk is low (`is_low`) none is kept. The last segment always stays: the
    door writes it. Which were dropped.
    """
    oldest = (now - keep).timestamp()
    first = 0
    for start, following in itertools.pairwise(segment_starts(folder)):
        is_old = segment_path(folder, start).stat().st_mtime < oldest
        if following > loaded or not (is_old or is_low):
            break
        first = following
    return drop_before(folder, first)
