"""Run a tool of others on a file that nobody trusts: the one way, and bounded in whatever it could harm.

Bubblewrap makes the walls (own mounts, processes, network; a file system of `/usr` and little else, read-only), we set
limits and watch.  As root each run is a user whom nobody else is.  Where the machine gives no walls, root still runs
tools within limits, and the evidence of each run names what it lacked; nobody else runs any.  A tool is told neutral
names (`/in/1.doc`), never those of records: no name can be taken for an option, collide, or lead elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from preserve import chance, clock
from preserve.durable import free_bytes, raise_if_full
from preserve.errors import NoSpace, Refused
from preserve.formats.watching import Watch, end_survivors, entries
from preserve.model.formats.pathways import filled_in
from preserve.model.formats.tool_runs import Evidence, Limits, Outcome, Protection, Result
from preserve.model.sizes import Size
from preserve.processes import KEPT_FREE_BYTES, Ended, run_watched

IN, OUT, HOME = "/in", "/out", "/home"
FIRST_USER = 0x7000_0000
USERS = 0x0FFF_0000
"""A range that no distribution, systemd or container runtime hands out (systemd, UIDS-GIDS)."""
PATH = "/usr/bin:/bin"
_READ_ONLY = (
    "/etc/alternatives", "/etc/fonts", "/etc/ghostscript", "/etc/ld.so.cache", "/etc/libreoffice",
    "/var/cache/fontconfig", "/var/lib/ghostscript", "/var/lib/libreoffice",
)  # fmt: skip
"""What the tools read beside `/usr`: no password, no key, no host name lies in any of it."""
_LINKS = ("bin", "lib", "lib64", "sbin")
MOST_BOUND = 100
"""Files that are shown each by a mount of its own: 2000 took eight seconds, and 20,000 names are more than execve(2)
takes.  A mailbox becomes as many."""
_CORE = Limits(seconds=20.0)
_WALLS = frozenset((Protection.OWN_FILES, Protection.OWN_PROCESSES, Protection.NO_NETWORK))


@dataclass(frozen=True, slots=True)
class Order:
    """A tool to be run.

    In `arguments`, `{input}` is the first input, `{inputs}` (an argument by itself) all of them, `{output}` the folder
    for what it makes, `{home}` its empty home; `places` are further ones.  `inputs` are files with the ending that the
    tool is to see: the third of them is `3.doc`.  `beside` are further files that belong to one of them, by its number,
    and lie there under its name with an ending of their own.  `sees` are folders that it may read, by their own names.
    `tool` is what the evidence calls it; "": as it is called here.
    """

    program: str
    arguments: tuple[str, ...]
    inputs: tuple[tuple[Path, str], ...] = ()
    limits: Limits = field(default_factory=Limits)
    version: str = ""
    makes_files: bool = True
    sees: tuple[Path, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[tuple[int, Path, str], ...] = ()
    tool: str = ""


class Sandbox:
    """Runs tools; `scratch` is a folder of this command alone, which should lie on a disk."""

    def __init__(self, scratch: Path, *, uses_walls: bool = True) -> None:
        self._scratch = scratch
        self._uses_walls = uses_walls

    @cached_property
    def lacking(self) -> frozenset[Protection]:
        """Which protections this machine does not give, found out by trying."""
        wanted = frozenset(Protection)
        with self._place() as place:
            has_walls = self._uses_walls and shutil.which("bwrap", path=PATH) is not None and self._stand(place)
        return wanted - (_WALLS if has_walls else frozenset()) - ({Protection.OWN_USER} if _is_root() else frozenset())

    @cached_property
    def fonts_sha256(self) -> str:
        """The digest of the list of fonts that tools see; "" where nobody lists them (fontconfig is not installed)."""
        if not is_here("fc-list"):
            return ""
        order = Order("sh", ("-c", "fc-list : file fontversion style | sort > {output}/fonts"), limits=_CORE)
        with self._place() as place:
            self._run(order, place)
            return hashlib.sha256((place.out / "fonts").read_bytes()).hexdigest()

    def run(self, order: Order, into: Path) -> Outcome:
        """Run a tool; what it made is in the folder `into`, which must be there and empty, if it converted.

        Raises `Refused` where the tool is not on this machine, `NoSpace`.
        """
        fonts = self.fonts_sha256
        with self._place() as place:
            ended, watch = self._run(order, place)
            result, where = watch.result_of(ended), ""
            if result is None:
                result, where = _judged(order, ended, place.out)
            files = tuple(sorted(path.name for path in place.out.iterdir())) if result is Result.CONVERTED else ()
            for name in files:
                _given(place.out / name, into / name)
        return Outcome(result, self._evidence(order, place, ended, watch, fonts), files, where)

    def _evidence(self, order: Order, place: _Place, ended: Ended, watch: Watch, fonts: str) -> Evidence:
        return Evidence(
            tool=order.tool or order.program,
            version=order.version,
            arguments=self._arguments(order, place),
            fonts_sha256=fonts,
            limits=order.limits,
            lacking=self.lacking,
            seconds=round(ended.seconds, 3),
            input_bytes=sum(path.stat().st_size for path, _ in order.inputs),
            output_bytes=watch.output_bytes,
            peak_memory_bytes=watch.peak_memory_bytes,
            status=ended.status,
            text=ended.text,
            complaints=ended.complaints,
        )

    def _run(self, order: Order, place: _Place) -> tuple[Ended, Watch]:
        if not is_here(order.program):
            raise Refused(
                "{program} is not on this machine; install it (`ops/install.sh converters` on Debian)",
                program=order.program,
            )
        self._require_bounds(order)
        if free_bytes(self._scratch) < KEPT_FREE_BYTES:
            raise NoSpace(
                "{folder} has only {left} left, too little to convert anything in; free some space there",
                folder=self._scratch,
                left=Size(free_bytes(self._scratch)),
            )
        for number, (path, ending) in enumerate(order.inputs, 1):
            place.take_in(path, f"{number}{ending}", binds=self._has_walls)
        for number, path, ending in order.beside:
            place.take_in(path, f"{number}{ending}", binds=self._has_walls)
        command = [*self._walls(place, order), *_bounds(order.limits, place.user), order.program]
        watch = Watch(order.limits, place.home, place.out, self._scratch)
        try:
            ended = run_watched(
                [*command, *self._arguments(order, place)], place.folder, self._variables(place), watch.may_go_on
            )
        finally:
            end_survivors(watch.seen, place.user)
        watch.look_at_output()
        return ended, watch

    def _require_bounds(self, order: Order) -> None:
        """Without walls, a tool has to be a user of its own, or nothing limits how many processes it starts; and that
        user has to come into the scratch folder, and those it is to see, by the ordinary way."""
        if self._has_walls:
            return
        if not _is_root():
            raise Refused(
                "nothing on this machine would keep {program} within bounds, so it is not run; install bubblewrap"
                " (`ops/install.sh converters`), or run the command as root",
                program=order.program,
            )
        for folder in (each for top in (self._scratch, *order.sees) for each in (top, *top.resolve().parents)):
            if not folder.stat().st_mode & stat.S_IXOTH:
                raise Refused(
                    "{folder} lets no other user in, so no converter can run there; install bubblewrap (`ops/install.sh"
                    " converters`), or name another folder by TMPDIR",
                    folder=folder,
                )

    @property
    def _has_walls(self) -> bool:
        return Protection.OWN_FILES not in self.lacking

    def _stand(self, place: _Place) -> bool:
        """Whether walls can be put up here: some kernels and containers forbid it."""
        ended = run_watched([*_bubblewrap(place, _CORE), "true"], place.folder, {"PATH": PATH}, _patient(_CORE.seconds))
        return ended.status == 0

    def _walls(self, place: _Place, order: Order) -> list[str]:
        return _bubblewrap(place, order.limits, order.sees) if self._has_walls else []

    def _variables(self, place: _Place) -> dict[str, str]:
        home, temporary = (HOME, "/tmp") if self._has_walls else (str(place.home), str(place.home))  # noqa: S108
        return {"PATH": PATH, "HOME": home, "TMPDIR": temporary, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _arguments(self, order: Order, place: _Place) -> tuple[str, ...]:
        folder, out, home = (IN, OUT, HOME) if self._has_walls else (place.into, place.out, place.home)
        names = [f"{folder}/{number}{ending}" for number, (_, ending) in enumerate(order.inputs, 1)]
        own = {"input": names[0] if names else "", "inputs": names, "output": str(out), "home": str(home)}
        return filled_in(order.arguments, {**order.places, **own})

    @contextmanager
    def _place(self) -> Iterator[_Place]:
        folder = self._scratch / f"run-{chance.token(10)}"
        user = FIRST_USER + chance.unpredictable().randrange(USERS) if _is_root() else None
        place = _Place(folder, user)
        place.make()
        try:
            yield place
        finally:
            removed(folder)


@dataclass(slots=True)
class _Place:
    """The folders of one run, and whose they are."""

    folder: Path
    user: int | None
    bound: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def into(self) -> Path:
        return self.folder / "in"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def make(self) -> None:
        for each in (self.folder, self.into, self.out, self.home):
            each.mkdir()
            each.chmod(0o755)
        if self.user is not None:
            for each in (self.out, self.home):
                os.chown(each, self.user, self.user)

    def take_in(self, path: Path, name: str, *, binds: bool) -> None:
        """Show the tool a file under a neutral name.  One that only its owner may read is copied, as is any where
        nothing would keep a tool from changing it, and any beyond the first `MOST_BOUND`.  Raises `NoSpace`."""
        shown = self.into / name
        may_read = self.user is None or path.stat().st_mode & stat.S_IROTH
        if binds and may_read and len(self.bound) < MOST_BOUND:
            shown.touch()  # what it is bound upon
            self.bound.append((path, f"{IN}/{name}"))
            return
        try:
            shutil.copyfile(path, shown)
        except OSError as error:
            raise_if_full(error, shown)
            raise
        shown.chmod(0o444)


def is_here(program: str) -> bool:
    """Whether a tool is on this machine where sandboxes look for it."""
    return shutil.which(program, path=PATH) is not None


def _is_root() -> bool:
    return os.geteuid() == 0


def _bubblewrap(place: _Place, limits: Limits, sees: Sequence[Path] = ()) -> list[str]:
    """Walls: bwrap(1).  Without a user namespace as root, since one would leave files of root readable."""
    words = [
        "bwrap", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--hostname", "preserve", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr",
    ]  # fmt: skip
    if place.user is None:
        words.append("--unshare-user")
    for name in _LINKS:
        words += ["--symlink", f"usr/{name}", f"/{name}"]
    for folder in ("/etc", "/var", "/var/lib", "/var/cache"):  # bwrap makes them for their owner alone
        words += ["--perms", "0755", "--dir", folder]
    for path in _READ_ONLY:
        words += ["--ro-bind-try", path, path]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", HOME):  # noqa: S108 - of the sandbox, empty at the start
        words += ["--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", folder]
    words += ["--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", "/dev/shm"]  # noqa: S108
    words += ["--ro-bind", str(place.into), IN, "--bind", str(place.out), OUT]
    words += ["--remount-ro", "/dev"]
    for each in sees:
        for above in reversed(each.parents[:-1]):
            words += ["--perms", "0755", "--dir", str(above)]
        words += ["--ro-bind", str(each), str(each)]
    for bound, name in place.bound:
        words += ["--ro-bind", str(bound), name]
    return [*words, "--remount-ro", "/", "--chdir", "/tmp", "--"]  # noqa: S108


def _bounds(limits: Limits, user: int | None) -> list[str]:
    """Another user, without rights and without any way to more; limits of each process (setrlimit(2))."""
    words = []
    if user is not None:
        words = [
            "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all", "--",
        ]  # fmt: skip
    file_bytes = max(limits.output_bytes, limits.scratch_bytes)  # a profile is a file too
    words += [
        "prlimit", "--core=0", f"--as={limits.address_bytes}", f"--fsize={file_bytes}",
        f"--nofile={limits.open_files}", f"--cpu={int(limits.seconds * (os.cpu_count() or 1)) + 1}",
    ]  # fmt: skip
    # Processes count for each user and, within walls, for each user namespace (Linux 5.14 and later).
    return [*words, f"--nproc={limits.processes}", "--"]


def _judged(order: Order, ended: Ended, out: Path) -> tuple[Result, str]:
    """What a run came to that came to its end by itself."""
    for entry, facts in entries(out):
        if not (stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1) or os.path.dirname(entry) != str(out):
            return Result.ESCAPED, os.path.relpath(entry, out).encode("utf-8", "backslashreplace").decode()
    status = ended.status or 0
    if status < 0 or status > 128:  # a shell, or bwrap, says 128 + n for signal n
        return Result.CRASHED, ""
    if status:
        return Result.FAILED, ""
    if order.makes_files and not any(facts.st_size for _, facts in entries(out)):
        return Result.NO_OUTPUT, ""
    return Result.CONVERTED, ""


def _given(made: Path, final: Path) -> None:
    """Make a file ours, with no rights that its maker chose, and move it.

    All may read it, so that it is shown to whatever judges it as it is, and films are not copied for that; the home,
    where it lies, lets nobody in.
    """
    os.chmod(made, 0o644, follow_symlinks=True)
    if _is_root():
        os.chown(made, 0, 0)
    shutil.move(made, final)


def removed(folder: Path) -> None:
    """Remove a folder whatever a tool made in it: folders a thousand deep, or that let nobody in."""
    if not _is_root():
        run_watched(["chmod", "-R", "u+rwX", "--", str(folder)], folder.parent, {"PATH": PATH}, _patient())
    run_watched(["rm", "-rf", "--one-file-system", "--", str(folder)], folder.parent, {"PATH": PATH}, _patient())


def _patient(seconds: float = 600.0) -> Callable[[int], bool]:
    until = clock.monotonic_seconds() + seconds
    return lambda _: clock.monotonic_seconds() < until


def version_of(sandbox: Sandbox, program: str, asks: Sequence[str], folder: Path) -> str:
    """The first line that a tool says of itself, asked in the sandbox too.  Raises `Refused`."""
    outcome = sandbox.run(Order(program, tuple(asks), makes_files=False, limits=_CORE), folder)
    said = (outcome.evidence.text or outcome.evidence.complaints).strip()
    return said.splitlines()[0][:200] if said else ""
