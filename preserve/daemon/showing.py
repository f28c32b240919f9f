"""Metrics for who asks a runner that goes on: made anew every minute, beside its work.

They are made from the books by a thread of its own, so that they are true however long one piece of work takes.  A
runner that hangs is not hidden by that: its signs of life are told from its work, and their absence is a concern.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from preserve import compose
from preserve.clock import Clock, monotonic_seconds
from preserve.daemon.metrics import Board, families, samples, served
from preserve.daemon.table import WORKS
from preserve.daemon.watching import look
from preserve.daemon.works import Shift
from preserve.errors import PreserveError
from preserve.model.nouns import Act
from preserve.operations.survey import survey
from preserve.ports import NoProgress
from preserve.settings.home import Home

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LEAST_PAUSE_SECONDS = 60.0
PAUSES = 20
"""A pause is at least so many times as long as the making took: a large home is not always counted."""
NOBODY = Act("", "")


def figures(home: Home, clock: Clock) -> Sequence[Metric]:
    """How everything stands now.  Raises `PreserveError`."""
    with compose.workplace(home, NOBODY, NoProgress(), patient=False, to_read=True, clock=clock) as workplace:
        policies = compose.policies(workplace.books)
        return families(samples(look(Shift(home, workplace, policies), WORKS), survey(workplace, policies)))


@contextmanager
def shown(make: Callable[[], Sequence[Metric]], host: str, port: int, clock: Clock) -> Iterator[int]:
    """Serve what `make` gives at http://host:port/metrics until left; gives the port.

    What cannot be made leaves the figures as they are: they grow old, and that is an alarm.  Raises `Refused` where the
    address cannot be had.
    """
    board, ended = Board(), threading.Event()

    def renew() -> None:
        while not ended.is_set():
            began = monotonic_seconds()
            with suppress(PreserveError):
                board.put(make())
            clock.sleep(max(LEAST_PAUSE_SECONDS, PAUSES * (monotonic_seconds() - began)), ended)

    with served(board, host, port) as chosen:
        thread = threading.Thread(target=renew, name="metrics", daemon=True)
        thread.start()
        try:
            yield chosen
        finally:
            ended.set()
            thread.join()
