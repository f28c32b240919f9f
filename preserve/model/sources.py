"""Sources (数据源): where records come from again and again, and what each harvest of one found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.errors import Refused
from preserve.model.audit import is_to_come
from preserve.model.brake import BrakeLimits, Upheaval
from preserve.model.policy import Policy
from preserve.model.secrets import secret_in

LONGEST_NAME = 64
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

SETTLE_SECONDS = 600
"""So long nothing may have moved in a file, by its own times, before a harvest takes it."""
REREAD_PERCENT = 1
"""Of the files that look unchanged, so many are read again at each harvest: about 100 harvests see them all."""
MOST_COMMAND_SECONDS = 6 * 3600
RESTLESS_DAYS = 7
"""A file that every harvest for so many days found being changed is told of: its content is in none of them."""


class SourceKind(StrEnum):
    """What sort of place records come from."""

    FOLDER = "folder"  # a folder in which people work; each harvest is a snapshot of it
    S3 = "s3"  # the objects below a prefix
    COMMAND = "command"  # what a program prints, a dump of a database say, kept as one file
    DROP = "drop"  # a folder in which whole submissions are laid, each an accession of its own


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A registered source.  `place` is a folder, an S3 URL or a command line; `policy` is what its records are kept by.

    `profile` names credentials in the AWS standard chain.  `file_name` is what the output of a command is kept as,
    `uses_shell` whether a shell reads the command line, `most_seconds` how long it may take, `environment` which of our
    variables it gets, by their names, beside the harmless ones.  `moves_taken`: what was
    taken from a drop folder is moved into its subfolder `taken`; else it stays.  A file that every harvest for
    `restless_days` left for the next is an incident.  What fits a pattern in `exclude`, and none in `include`, is left
    out (`preserve.packages.harvesting.sieve`).  The file `metadata` describes its records, by the paths of their files
    and folders, and is read at each harvest.
    """

    name: str
    kind: SourceKind
    policy: str
    place: str
    settle_seconds: int = SETTLE_SECONDS
    reread_percent: int = REREAD_PERCENT
    limits: BrakeLimits = field(default_factory=BrakeLimits)
    profile: str | None = None
    file_name: str | None = None
    uses_shell: bool = False
    most_seconds: int = MOST_COMMAND_SECONDS
    moves_taken: bool = True
    restless_days: int = RESTLESS_DAYS
    environment: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    metadata: str | None = None

    @property
    def accession_source(self) -> str:
        """What accessions of its content are known by in the books."""
        return f"source {self.name}"

    @property
    def state_source(self) -> str:
        """What accessions of its states are known by."""
        return f"state of source {self.name}"


@dataclass(frozen=True, slots=True)
class Registered:
    """A source as the books have it.

    `held` is the upheaval for which the brake holds it since a harvest, `released` the one that a person let pass, at
    `released_at`, for the next harvest.  A source that is retired is harvested no more; what came of it is kept.
    """

    entry: SourceEntry
    registered_at: str
    held: Upheaval | None = None
    released: Upheaval | None = None
    retired_at: str | None = None
    retired_because: str | None = None
    released_at: str | None = None

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None

    def let_pass(self, now: datetime) -> Upheaval | None:
        """What a person let pass, and not so long ago that it must be asked again."""
        if self.released is None or self.released_at is None:
            return None
        released_at, lasts = datetime.fromisoformat(self.released_at), timedelta(days=self.entry.limits.release_days)
        return None if is_to_come(released_at, now) or now > released_at + lasts else self.released


def source_behind(accession_source: str, sources: Iterable[SourceEntry]) -> str | None:
    """The name of the source whose harvest goes on with what is known by `accession_source`; None: a person handed it
    in."""
    for entry in sources:
        is_from_drop = entry.kind is SourceKind.DROP and accession_source.rpartition("/")[0] == entry.place
        if is_from_drop or accession_source in (entry.accession_source, entry.state_source):
            return entry.name
    return None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a harvest found: `files` with `bytes` and symbolic `links` are there now; of both, so many are `new`,
    `changed` in content (a link: leads elsewhere), `moved` (known content under another name) or `vanished` since the
    harvest before.

    `unsettled` were left for the next harvest because they moved a short while ago.  `reread` looked unchanged and were
    read all the same; of all that was ever read so, `doubtful` now hold other bytes than were taken, though nobody
    changed them.  So many `rows` of the state differ from the state before, folders and links among them.

    So many files and folders were `left_out` by the patterns of the source, and so many `passed_over` because they
    cannot be taken (a pipe, say) or not be read: what was known of these has not vanished.
    `renamed`, `sampled` and `scrambled` are what the brake saw (`preserve.model.brake.Upheaval`), for what is slow.
    """

    files: int = 0
    bytes: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    vanished: int = 0
    unsettled: int = 0
    reread: int = 0
    doubtful: int = 0
    rows: int = 0
    left_out: int = 0
    renamed: int = 0
    sampled: int = 0
    scrambled: int = 0
    links: int = 0
    passed_over: int = 0

    @property
    def files_and_links(self) -> int:
        """What the brake takes its shares of."""
        return self.files + self.links


@dataclass(frozen=True, slots=True)
class HarvestEntry:
    """One harvest (采集) in the books; numbers count from 1 for each source.

    It is of the moment `seen_at`, when its listing began: each file is as it was listed.  It was booked `at` its end.
    `accessions` hold what was new.  `state_package` holds the state of the source as a file, whole where `is_base`,
    else what differs from the state before; None: nothing differs.  `is_partial`: a part of a large harvest, of which
    more was to come.  `was_released`: a person had let pass what moved in it.
    """

    source: str
    seen_at: str
    at: str
    counts: Counts
    accessions: tuple[str, ...] = ()
    state_package: str | None = None
    is_base: bool = False
    is_partial: bool = False
    was_released: bool = False
    number: int = 0


def require_good(entry: SourceEntry) -> None:
    """Raise `Refused` for settings that cannot be meant."""
    if len(entry.name) > LONGEST_NAME or not _NAME.fullmatch(entry.name):
        raise Refused(
            "{name} is no name for a source: letters, digits, `.`, `_` and `-`, at most {most} of them, and a letter or"
            " digit first",
            name=entry.name,
            most=LONGEST_NAME,
        )
    for text in (entry.place, entry.metadata or "", entry.file_name or ""):
        if not _is_unicode(text):
            raise Refused(
                "source {name}: {text} is not UTF-8, and the ledger can keep nothing else; give it another name, or"
                " mount the folder under one",
                name=entry.name,
                text=text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
            )
    secret = secret_in(entry.place)
    if secret is not None:
        raise Refused(
            "source {name}: there is a password in {kind} `{place}`: the ledger would keep it for ever, and everybody"
            " on this machine could read it while the program runs; put it where the program finds it by itself"
            " (~/.pgpass, a file for its --password-file or --defaults-extra-file, a profile of the AWS configuration),"
            " or in a variable that --environment NAME hands on",
            name=entry.name,
            kind=entry.kind,
            place=entry.place.replace(secret, "…"),
        )
    for variable in entry.environment:
        if not _VARIABLE.fullmatch(variable):
            raise Refused(
                "source {name}: {variable} is no name of a variable; --environment hands on a variable by its name"
                " alone, and its value is never kept",
                name=entry.name,
                variable=variable.partition("=")[0],
            )
    if entry.kind is SourceKind.COMMAND and not _is_file_name(entry.file_name):
        raise Refused(
            "source {name}: say with --file-name what the output of the command is to be kept as, such as"
            " registry.dump; one name, without a slash",
            name=entry.name,
        )


def require_described(entry: SourceEntry, policy: Policy) -> None:
    """Raise `Refused` where the policy requires metadata and the source has none."""
    if policy.required_metadata and entry.metadata is None:
        raise Refused(
            "policy {policy} requires metadata ({elements}), and files of source {source} come without; describe them"
            " in a table, a record a row with the folders or files that belong to it in column path, and give it with"
            " --metadata FILE; or keep the source by another policy",
            policy=policy.name,
            elements=", ".join(policy.required_metadata),
            source=entry.name,
        )


def _is_unicode(text: str) -> bool:
    """Whether a word of the command line is not made of other bytes, which Python keeps as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _is_file_name(name: str | None) -> bool:
    return bool(name) and name not in (".", "..") and "/" not in str(name) and "\0" not in str(name)
