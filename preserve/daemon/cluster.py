"""A Dask cluster as the crew: `preserve run --cluster tcp://scheduler:8786`.

Each worker is a process of this program's environment (`dask worker tcp://scheduler:8786`) on a machine that has a part
of the home: the folder that PRESERVE_HOME names there (`preserve home join`), or the same path as here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from preserve.daemon.crew import Spread
from preserve.errors import Misused, Refused, Unavailable
from preserve.settings.home import Home

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS = 20
"""How long a scheduler may take to answer before it counts as away."""

_ADDRESS = re.compile(r"[a-z]+://\S+:[0-9]{1,5}$")

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


@contextmanager
def crew_of(home: Home, address: str) -> Iterator[Spread]:
    """The workers of the cluster whose scheduler is at `address`.

    Raises `Misused` for an address that is none, `Refused` where Dask is not installed, `Unavailable` where the
    scheduler does not answer or has no worker.
    """
    with _client(address) as client:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise Unavailable(
                "the cluster {address} has no workers; start some: `dask worker {address}`", address=address
            )
        # Each order is one of its own, also where the same was given before.
        with cast(Executor, client.get_executor(pure=False)) as executor:  # type: ignore[no-untyped-call]
            yield Spread(home, _Lasting(executor), workers)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError as error:
        raise Refused("Dask is not installed; install this program with its extra `dask`") from error
    if not _ADDRESS.match(address):  # Dask would try for long, and leave a traceback behind
        raise Misused("{address} is no address of a cluster; write tcp://host:port", address=address)
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise Misused(
            "{address} is no address of a cluster ({error}); write tcp://host:port", address=address, error=str(error)
        ) from error
    except OSError as error:
        raise Unavailable(
            "the scheduler {address} does not answer ({error})", address=address, error=str(error)
        ) from error
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


class _Lasting(Executor):
    """Dask's executor, whose answers end in `BrokenExecutor` where workers died over an order or were lost."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(
        self, act: Callable[_Parameters, _Answer], /, *arguments: _Parameters.args, **options: _Parameters.kwargs
    ) -> Future[_Answer]:
        answer: Future[_Answer] = Future()
        self._executor.submit(act, *arguments, **options).add_done_callback(lambda done: _hand_over(done, answer))
        return answer


def _hand_over(done: Future[Any], answer: Future[Any]) -> None:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        answer.set_result(done.result())
    except (KilledWorker, CancelledError) as error:
        answer.set_exception(BrokenExecutor(str(error)))
    except BaseException as error:
        answer.set_exception(error)
