"""Do several things at a time, in bounded number, and take the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result]:
    """The result of `work` for each item, in the order of the items; `workers` threads, and as many results waiting.

    An item is asked for only when there is room for it.  What `work` raises is raised here, in its turn; leaving early
    drops what was not begun and waits for what was.
    """
    with ThreadPoolExecutor(workers) as pool:
        yield from _results(pool, work, items, 2 * workers)


def do_all(
    work: Callable[[Item], None], items: Iterable[Item], workers: int, give_up: Callable[[BaseException], None]
) -> None:
    """Do `work` for each item in `workers` threads; what it raises is raised here.

    Before it waits for what was begun, an error is told to `give_up`, which ends that.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            for _ in _results(pool, work, items, 2 * workers):
                pass
        except BaseException as error:
            give_up(error)
            raise


def _results(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], most: int
) -> Iterator[Result]:
    rest = iter(items)
    first = list(islice(rest, 2))
    if len(first) < 2:  # of most packages there is one block, and a thread for it costs more than a small one
        yield from map(work, first)
        return
    waiting: deque[Future[Result]] = deque()
    try:
        for item in chain(first, rest):
            waiting.append(pool.submit(work, item))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
