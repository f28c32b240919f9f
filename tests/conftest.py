"""What tests of several rooms share: real S3 sites and the credentials to use them, and an identifier of formats."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ops.sites import postgres, seaweed
from ops.sites.site import Login
from preserve.durable import free_bytes
from preserve.environment import temporary_folder
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.settings.shipped import own_signatures
from tests.moulds import Moulds
from tests.sites import moto
from tests.state.servers import PLACES
from tests.warm.calling import Warm

# The same examples at every run and on every machine, so that a run that fails fails again.  New ones are looked for
# where somebody waits for them: `pytest --hypothesis-profile explore`.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=5000)
settings.load_profile("steady")

# A shell that starts the tests in the background makes them deaf to Ctrl-C, and everything that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has it
_MEMORY_BYTES = 512 * 1024 * 1024
_ALL_IN_MEMORY_BYTES = 4 * 1024**3
"""More than all tests together lay down at once."""
_TEMPORARY_ROOT = "PYTEST_DEBUG_TEMPROOT"


def pytest_configure(config: pytest.Config) -> None:
    """Lay `tmp_path` in memory, where there is plenty and programs may be run from it: a disk is only waited for.

    Tests of what a disk alone does ask for `disk_path`.
    """
    if _TEMPORARY_ROOT in os.environ or not _MEMORY.is_dir() or free_bytes(_MEMORY) < _ALL_IN_MEMORY_BYTES:
        return
    if not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        os.environ[_TEMPORARY_ROOT] = str(_MEMORY)


@pytest.fixture(scope="session")
def identifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiegfriedIdentifier]:
    """One for all tests that do not break it: it takes a third of a second to come up, when it is first asked."""
    with SiegfriedIdentifier(tmp_path_factory.mktemp("identifier"), own_signatures()) as made:
        yield made


@pytest.fixture
def disk_path() -> Iterator[Path]:
    """Like `tmp_path`, where this machine keeps large temporary files, which is a disk as a rule."""
    with tempfile.TemporaryDirectory(prefix="preserve-test-", dir=temporary_folder()) as folder:
        yield Path(folder)


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """Like `tmp_path`, in memory where there is room: for tests that kill or damage hundreds of times.

    A killed process loses nothing that it wrote, to whatever medium; on a disk such a test only waits for syncs.
    """
    if not _MEMORY.is_dir() or free_bytes(_MEMORY) < _MEMORY_BYTES:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="preserve-test-", dir=_MEMORY) as folder:
        yield Path(folder)


class Logins:
    """A credentials file of the AWS standard chain, for this run of the tests alone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._names: set[str] = set()

    def add(self, profile: str, login: Login) -> str:
        """Make `profile` known; returns its name."""
        if profile not in self._names:
            self._names.add(profile)
            with self._file.open("a") as file:
                file.write(f"[{profile}]\naws_access_key_id={login.access_key}\n")
                file.write(f"aws_secret_access_key={login.secret_key}\n")
        return profile


@pytest.fixture(scope="session")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    file = tmp_path_factory.mktemp("aws") / "credentials"
    file.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        patch.setenv("AWS_CONFIG_FILE", str(file.with_name("config")))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield Logins(file)


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory, logins: Logins) -> Iterator[seaweed.Site]:
    """A SeaweedFS site with the buckets `records` and `locked` (object locks); profiles `weed-writer`, `weed-admin`,
    `weed-auditor`.  Shared by all tests: each works under a prefix of its own and leaves the site running."""
    site = seaweed.start(tmp_path_factory.mktemp("weed"), buckets=["records"], object_lock=["locked"])
    for name, login in (("writer", site.writer), ("admin", site.admin), ("auditor", site.auditor)):
        logins.add(f"weed-{name}", login)
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="session")
def moto_site(tmp_path_factory: pytest.TempPathFactory, logins: Logins) -> Iterator[moto.MotoSite]:
    """moto, with the buckets `records` and `locked`; profile `moto`."""
    logins.add("moto", moto.LOGIN)
    site = moto.MotoSite(tmp_path_factory.mktemp("moto"))
    site.start(["records"], ["locked"])
    yield site
    site.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, shared by all tests of one process; each uses databases of its own and leaves it running."""
    server = postgres.start()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The program, loaded: processes of its commands need not load it again."""
    with Warm() as loaded:
        yield loaded


@pytest.fixture(scope="session")
def moulds(tmp_path_factory: pytest.TempPathFactory) -> Moulds:
    """Services that many tests begin with."""
    return Moulds(tmp_path_factory.mktemp("moulds"))


@pytest.fixture(params=["file", "server"])
def kept_in(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have `tests.state.bookkeeping` make books in a file, and then the same test again on a server."""
    PLACES.use(request.getfixturevalue("postgres_server") if request.param == "server" else None)
    yield request.param
    PLACES.use(None)
