"""The conformance probe (`preserve store check`): does this place keep the store contract, today, with these settings?

S3-compatible servers differ, file systems differ, and both change with an update.  So a store is tried before the first
record goes into it, and again whenever somebody asks: with objects of its own, under `probe/<token>/`, which are erased
afterwards where the place allows it.  A place that keeps wrong bytes, shows half an object, or lists what is not there
is refused.  Whatever is less than that is noted, and the program behaves accordingly.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from preserve.chance import token
from preserve.errors import AlreadyThere, Away, NoSpace, NotThere, Refused, Unavailable, Unreadable
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.model.sizes import Size
from preserve.ports import ErasableStore, Upload
from preserve.stores.probing import ProbeResult, Record, Severity

NEEDED_BYTES = 32 * 1024 * 1024
"""What a probe writes before it cleans up (30.4 MiB in a folder)."""

FEW_KEYS = 100
"""How many objects the listing is tried with before a store is added; that takes a second or two."""

MANY_KEYS = 1_200
"""More than S3 lists in one page (1,000), for the thorough `preserve store check`."""

PART_BYTES = 5 * 1024 * 1024
"""The smallest part S3 allows."""

_WRITERS = 16
_AT_ONCE = 8
_FRAMING = re.compile(rb"\A[0-9a-fA-F]+(;chunk-signature=[0-9a-f]+)?\r\n|\r\n0(;chunk-signature=[0-9a-f]+)?\r\n")

NOT_BYTE_EXACT = "store {store} gives back other bytes than it was given ({what}); it must not be used"
FRAMED = (
    "store {store} keeps the transport's framing (aws-chunked) inside the object ({what}); it must not be used before"
    " its software is updated"
)


AnyBench = TypeVar("AnyBench", bound="Bench")


class Bench:
    """A store under test, and a corner of it to work in."""

    def __init__(self, store: ErasableStore, record: Record) -> None:
        self.store = store
        self.record = record
        self.folder = f"probe/{token(10)}"
        self._seeds = iter(range(1_000_000))

    def key(self, name: str) -> Key:
        """A key in our corner."""
        return Key(f"{self.folder}/{name}")

    def content(self, size: int) -> bytes:
        """New bytes that no compression and no deduplication makes smaller, the same in every probe.

        A stream cipher makes them in a fifteenth of the time of `random`, which was half the time of a folder's probe.
        """
        number = next(self._seeds).to_bytes(16, "big")
        return Cipher(AES(number), CTR(bytes(16))).encryptor().update(bytes(size))

    def begin(self, key: Key, content: bytes, part_bytes: int | None = None) -> Upload:
        """An upload of `content`, all sent and not committed."""
        upload = self.store.create(key, len(content), part_bytes=part_bytes)
        step = part_bytes or max(len(content), 1)
        for offset in range(0, len(content), step):
            upload.write(offset, memoryview(content)[offset : offset + step])
        return upload

    def put(self, key: Key, content: bytes, part_bytes: int | None = None) -> None:
        """Make an object."""
        with self.begin(key, content, part_bytes) as upload:
            upload.commit()

    def whole(self, key: Key, size: int) -> bytes:
        """What the store gives for an object of `size` bytes, and a little more should there be more."""
        room = bytearray(size + 100)
        return bytes(room[: self.store.read(key, 0, memoryview(room))])

    def is_there(self, key: Key) -> bool:
        """Whether stat or the listing shows the object."""
        listed = any(facts.key == key for facts in self.store.list(self.folder))
        try:
            self.store.stat(key)
        except NotThere:
            return listed
        return True

    def erase(self) -> None:
        """Clean up; what the place does not let go is noted."""
        left = 0
        with suppress(Unavailable):
            for facts in list(self.store.list(self.folder)):
                try:
                    self.store.erase(facts.key)
                except (Refused, Unavailable):
                    left += 1
        if left:
            self.record.complain(
                Severity.NOTE,
                "cleaning up",
                "store {store} keeps {count} objects of the probe under {folder}; they do no harm",
                count=left,
                folder=self.folder,
            )


def probe(store: ErasableStore, *, many: int = FEW_KEYS) -> ProbeResult:
    """Try everything that preserve/ports.py promises; `many` is how many objects the listing is tried with.

    Raises `Unavailable`, `NoSpace`: then nothing is known.
    """
    _require_room(store)
    record = Record(store.name)
    bench = Bench(store, record)
    try:
        run(bench, {**CHECKS, "listing": lambda each: listing(each, many)})
    finally:
        bench.erase()
    return record.result()


def _require_room(store: ErasableStore) -> None:
    free = store.free_bytes()
    if free is not None and free < NEEDED_BYTES:
        raise NoSpace(
            "store {store} has {free} left, and trying it takes {needed} for a moment; free some space, or take a"
            " larger disk, and run the command again",
            store=store.name,
            free=Size(free),
            needed=Size(NEEDED_BYTES),
        )


def byte_exact(bench: Bench) -> None:
    """What is read is what was written, in one request and in parts, and so is its size."""
    samples = {
        "an empty object": (b"", None),
        "one byte": (b"\0", None),
        "text": ("档案安全\r\n".encode() * 5_000, None),
        "random bytes": (bench.content(300_000), None),
        "parts": (bench.content(2 * PART_BYTES + 12_345), PART_BYTES),
    }
    for number, (what, (content, part_bytes)) in enumerate(samples.items()):
        key = bench.key(f"exact-{number}")
        bench.put(key, content, part_bytes)
        found = bench.whole(key, len(content))
        if found != content:
            template = FRAMED if _FRAMING.search(found) and not _FRAMING.search(content) else NOT_BYTE_EXACT
            bench.record.complain(Severity.REFUSE, "byte exact", template, what=what)
        facts = bench.store.stat(key)
        bench.record.refuse_unless(
            facts.size == len(content),
            "stat",
            "store {store} says {found} bytes of an object of {size} ({what}); it must not be used",
            found=facts.size,
            size=len(content),
            what=what,
        )
        if what == "random bytes":
            _attestation(bench, facts.attested_sha256, sha256(content))


def _attestation(bench: Bench, attested: bytes | None, true: bytes) -> None:
    bench.record.honours("attests_sha256", attested == true)
    if attested not in (None, true):
        bench.record.complain(
            Severity.LIMITS,
            "attestation",
            "store {store} attests a SHA-256 that is not the object's; its attestations are not asked for",
        )


def ranges(bench: Bench) -> None:
    """A range is exactly that range, also at the end and behind it."""
    content, key = bench.content(10_000), bench.key("ranges")
    bench.put(key, content)
    for start, length in ((0, 1), (1, 4_096), (5_000, 5_000), (9_990, 10), (9_990, 100), (10_000, 10), (99_999, 10)):
        room = bytearray(length)
        try:
            found = bytes(room[: bench.store.read(key, start, memoryview(room))])
        except Away as error:
            bench.record.complain(
                Severity.REFUSE, "ranges", "store {store} does not give ranges ({why}); it must not be used", why=error
            )
            return
        bench.record.refuse_unless(
            found == content[start : start + length],
            "ranges",
            "store {store} gives other bytes than asked for (from {start} on, {length} bytes); it must not be used",
            start=start,
            length=length,
        )


def whole_or_nothing(bench: Bench) -> None:
    """An object that is not committed, or was aborted, does not show."""
    for number, (content, part_bytes) in enumerate(
        ((bench.content(1_000), None), (bench.content(PART_BYTES + 1), PART_BYTES))
    ):
        key = bench.key(f"half-{number}")
        upload = bench.begin(key, content, part_bytes)
        shows_half = bench.is_there(key)
        upload.abort()
        bench.record.refuse_unless(
            not shows_half,
            "whole or nothing",
            "store {store} shows an object that is not complete; it must not be used",
        )
        bench.record.refuse_unless(
            not bench.is_there(key),
            "abort",
            "store {store} shows an object whose upload was aborted; it must not be used",
        )


def create_only(bench: Bench) -> None:
    """A key that is taken is not written again, neither later nor at the same moment."""
    first, second = bench.content(1_000), bench.content(1_000)
    key = bench.key("once")
    bench.put(key, first)
    with suppress(AlreadyThere):
        bench.put(key, second)
    bench.record.refuse_unless(
        bench.whole(key, 1_000) == first, "create only", "store {store} overwrites objects; it must not be used"
    )
    _race(bench)


def _race(bench: Bench) -> None:
    key, start = bench.key("race"), threading.Barrier(_WRITERS)
    contents = [bench.content(1_000) for _ in range(_WRITERS)]

    def write(content: bytes) -> bool:
        try:
            with bench.begin(key, content) as upload:
                start.wait()
                upload.commit()
                return True
        except (AlreadyThere, threading.BrokenBarrierError):
            return False
        except Unavailable:
            start.abort()  # nobody is to wait for us
            raise

    with ThreadPoolExecutor(_WRITERS) as pool:
        won = [content for content, did in zip(contents, pool.map(write, contents), strict=True) if did]
    bench.record.refuse_unless(
        bench.whole(key, 1_000) in won,
        "create only",
        "store {store} keeps none of {writers} objects that were written to one key at once; it must not be used",
        writers=_WRITERS,
    )
    if not bench.record.honours("create_only_race", len(won) == 1):
        bench.record.complain(
            Severity.LIMITS,
            "create only",
            "store {store} let {won} of {writers} writers write one key at the same moment; this program's own work is"
            " leased and does not do so, and nobody else may write there",
            won=len(won),
            writers=_WRITERS,
        )


def taking(bench: Bench) -> None:
    """A new object is made of ranges of another one."""
    content = bench.content(2 * PART_BYTES + 1_000)
    source, target = bench.key("bag.tar"), bench.key("bag.tar.g2")
    bench.put(source, content, PART_BYTES)
    with bench.store.create(target, len(content), part_bytes=PART_BYTES) as upload:
        upload.write(0, memoryview(content)[:PART_BYTES])
        travelled = upload.take(PART_BYTES, source, PART_BYTES, PART_BYTES + 1_000)
        upload.commit()
    bench.record.refuse_unless(
        bench.whole(target, len(content)) == content,
        "taking over",
        "store {store} copies other bytes than asked for; it must not be used",
    )
    if not bench.record.honours("copies_within", travelled == 0):
        bench.record.complain(
            Severity.NOTE,
            "taking over",
            "store {store} does not copy parts within itself; a repair fetches the sound parts and sends them again",
        )


def key_forms(bench: Bench) -> None:
    """Every form of key we use comes back as it was given."""
    names = ["a." * 99 + "z", "x" * 199, "A-b_c.D9", "0/" * 20 + "deep", "tail.", "Case", "case"]
    kept = {}
    for name in names:
        with suppress(AlreadyThere):
            bench.put(bench.key(f"forms/{name}"), name.encode())
            kept[name] = bench.whole(bench.key(f"forms/{name}"), len(name)) == name.encode()
    listed = {facts.key.removeprefix(f"{bench.folder}/forms/") for facts in bench.store.list(f"{bench.folder}/forms")}
    wrong = [name for name in names if not kept.get(name) or name not in listed]
    if not bench.record.honours("case_sensitive", not {"Case", "case"} & set(wrong)):
        bench.record.complain(
            Severity.LIMITS,
            "key forms",
            "store {store} does not tell capital from small letters; this program's keys do not differ in that alone",
        )
    for name in set(wrong) - {"Case", "case"}:
        bench.record.complain(
            Severity.LIMITS if name == "tail." else Severity.REFUSE,
            "key forms",
            "store {store} does not keep an object under the key {name}; such keys cannot be used there",
            name=name,
        )


def listing(bench: Bench, many: int) -> None:
    """A listing is whole, in order, with the right sizes, and not taken in by names that look alike."""
    folder = f"{bench.folder}/list"
    alike = ["a-1", "a.b/c", "a/1", "a/10", "a/2/x", "a/2-x", "a0", "ab/1"]
    wanted = {f"{folder}/{name}": len(name) for name in alike} | {f"{folder}/m/{n:05}": 1 for n in range(many)}

    def put(key: str) -> None:
        bench.put(Key(key), b"x" * wanted[key])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(put, wanted))
    _compare(bench, folder, wanted)
    _compare(bench, f"{folder}/a", {key: size for key, size in wanted.items() if key.startswith(f"{folder}/a/")})
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # here, because one by one they would take longer than the probe
        list(pool.map(lambda key: _erase_quietly(bench, Key(key)), wanted))


def _compare(bench: Bench, folder: str, wanted: dict[str, int]) -> None:
    found = [(str(facts.key), facts.size) for facts in bench.store.list(folder)]
    if found != sorted(wanted.items()):
        names = {name for name, _ in found}
        bench.record.complain(
            Severity.REFUSE,
            "listing",
            "store {store} lists {found} objects where there are {wanted} ({missing} missing, {strange} not asked for,"
            " or sizes or order wrong); it must not be used",
            found=len(found),
            wanted=len(wanted),
            missing=len(wanted.keys() - names),
            strange=len(names - wanted.keys()),
        )


def _erase_quietly(bench: Bench, key: Key) -> None:
    with suppress(Refused, Unavailable):
        bench.store.erase(key)


def erasing(bench: Bench) -> None:
    """Disposal can erase an object, and that one alone."""
    key, neighbour = bench.key("gone/1"), bench.key("gone/10")
    for each in (key, neighbour):
        bench.put(each, b"x")
    try:
        bench.store.erase(key)
    except (Refused, Unavailable) as error:
        bench.record.honours("erases", False)
        bench.record.complain(
            Severity.NOTE,
            "erasing",
            "store {store} does not let us erase ({why}); disposal needs other credentials there",
            why=error,
        )
        return
    bench.record.honours("erases", not bench.is_there(key))
    bench.record.refuse_unless(
        bench.is_there(neighbour),
        "erasing",
        "store {store} erased an object beside the one it was told to; it must not be used",
    )


def run(bench: AnyBench, checks: Mapping[str, Callable[[AnyBench], None]]) -> None:
    """Make all checks.  An object that is not there, or does not come, a moment after it was written is a complaint.

    Raises `Unavailable`, unless there is a reason to refuse the store already: then a later check may well fail for it.
    """
    for name, check in checks.items():
        try:
            check(bench)
        except (NotThere, Unreadable) as error:
            bench.record.complain(
                Severity.REFUSE,
                name,
                "store {store} does not give back what it accepted a moment ago ({why}); it must not be used",
                why=error,
            )
        except Unavailable:
            if bench.record.result().ok:
                raise


CHECKS: Mapping[str, Callable[[Bench], None]] = {
    "byte exact": byte_exact,
    "ranges": ranges,
    "whole or nothing": whole_or_nothing,
    "create only": create_only,
    "taking over": taking,
    "key forms": key_forms,
    "erasing": erasing,
}
"""All checks but the listing, which takes a number; in the order in which they are made."""
