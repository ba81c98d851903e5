"""Send batches one after the other, and keep the ledger meanwhile.

While one is in its call, the answer to the one before is written, and the next is
noted. Never more: a push that dies leaves three batches in doubt at most, one of which
was not sent yet.
"""

import contextlib
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from activation.ledger import DROPPED, FAILED, TAKEN, Batch, changed
from activation.preparing import Entry, Prepared, Unnameable
from activation.sending import Called, Noted, Sender, called, noted, written
from activation.settling import ask
from warehouse.errors import DestinationRefused, Unavailable


def sent_in_turn(
    sender: Sender, coming: Iterable[Prepared], blocked: frozenset[bytes]
) -> Generator[Batch]:
    """Each batch as it stands once its answer is written, in order.

    Raises Unavailable and DestinationRefused as the destination does, and what comes in
    the place of a batch, such as Unnameable, when those before it have been yielded.
    """
    notes = (noted(sender.rim, ready, blocked) for ready in coming)
    # one thread: what it is given is done in order
    with ThreadPoolExecutor(max_workers=1) as ledger:
        following = ledger.submit(next, notes, None)
        writing: Future[Batch] | None = None
        try:
            while one := following.result():
                following = ledger.submit(next, notes, None)
                told = _called(sender, one)
                before, writing = writing, ledger.submit(_kept, sender, told)
                if before:
                    yield before.result()
        except Unnameable:
            if writing:
                yield writing.result()
            raise
        except (Unavailable, DestinationRefused):
            _drop(sender, following)
            raise
        if writing:
            yield writing.result()


def _called(sender: Sender, one: Noted) -> Called:
    try:
        return called(sender, one)
    except DestinationRefused:
        changed(sender.rim, one.batch, state=FAILED)
        raise


def _kept(sender: Sender, told: Called) -> Batch:
    batch = written(sender.rim, told)
    refused = told.answer.refused if told.answer else {}
    held = [one for i, one in enumerate(told.entries) if i not in refused]
    return looked_at(sender, batch, held)


def looked_at(
    sender: Sender, batch: Batch, entries: Sequence[Entry] | None = None
) -> Batch:
    """Where a platform can be asked at once, how the batch stands already."""
    return ask(sender, batch, entries) if batch.state == TAKEN else batch


def _drop(sender: Sender, following: "Future[Noted | None]") -> None:
    """Take back the note of a batch that nobody will be called with."""
    with contextlib.suppress(Unavailable, DestinationRefused):
        if one := following.result():
            changed(sender.rim, one.batch, state=DROPPED)
