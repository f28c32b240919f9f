"""Keeping a lease up as long as its work goes on, and letting go of it however that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from preserve.clock import Clock
from preserve.errors import PreserveError, Unavailable
from preserve.model.attempts import LEASE, Job
from preserve.state.books import Books

_EXTENSIONS = 5
"""How often a lease is made longer in its time: some may fail, because the books are in use."""


@contextmanager
def kept_up(books: Books, job: Job, clock: Clock) -> Iterator[None]:
    """Hold the lease while the work goes on; afterwards it may be taken by anybody, unless the job was ended."""
    is_over = threading.Event()

    def extend() -> None:
        while not is_over.wait(LEASE.total_seconds() / _EXTENSIONS):
            with suppress(PreserveError):  # it will be tried again before the lease is over
                books.extend_job(job, clock.now())

    keeper = threading.Thread(target=extend, name=f"lease {job.subject}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()
        with suppress(Unavailable):  # then it runs out by itself; what ended the work is not to be hidden by that
            books.drop_job(job)
