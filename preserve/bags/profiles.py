"""BagIt Profiles (bagit-profiles specification, 1.1 to 1.4): does a bag keep what two parties agreed upon?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from preserve.bags.manifests import algorithm_of
from preserve.bags.parts import BagFacts
from preserve.bags.tags import values_of
from preserve.errors import Misused
from preserve.model.complaints import Complaint, ComplaintList

IDENTIFIER = "BagIt-Profile-Identifier"
_ALWAYS_ALLOWED = frozenset({"bagit.txt", "bag-info.txt", "fetch.txt"})
_INFO_REQUIRED = ("Source-Organization", "External-Description", "Version", IDENTIFIER)
_KNOWN_VERSIONS = ("1.1", "1.2", "1.3", "1.4")


@dataclass(frozen=True, slots=True)
class ElementRule:
    """What a profile wants of one element of bag-info.txt.  No `values`: any value."""

    label: str
    required: bool = False
    values: tuple[str, ...] = ()
    repeatable: bool = True
    recommended: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as a value; None where it sets no rule."""

    identifier: str
    info: Mapping[str, str]
    accept_versions: tuple[str, ...]
    elements: tuple[ElementRule, ...] = ()
    manifests_required: tuple[str, ...] = ()
    manifests_allowed: tuple[str, ...] | None = None
    tag_manifests_required: tuple[str, ...] = ()
    tag_manifests_allowed: tuple[str, ...] | None = None
    allow_fetch: bool = True
    fetch_required: bool = False
    data_empty: bool = False
    serialization: str = "optional"
    accept_serialization: tuple[str, ...] = ()
    tag_files_required: tuple[str, ...] = ()
    tag_files_allowed: tuple[str, ...] | None = None
    payload_files_required: tuple[str, ...] = ()
    payload_files_allowed: tuple[str, ...] | None = None

    @property
    def asks_for_payload_paths(self) -> bool:
        """Whether `judge` needs the paths of all payload files."""
        return bool(self.payload_files_required) or self.payload_files_allowed is not None


@dataclass(frozen=True, slots=True)
class Breaches:
    """What of a profile a bag does not keep: `breaches` make it unfit, `advice` does not."""

    breaches: tuple[Complaint, ...]
    advice: tuple[Complaint, ...] = field(default=())


def read_profile(text: str, file: str) -> Profile:
    """The profile that `text` (JSON) defines; `file` is its name, for messages.  Raises `Misused`."""
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise Misused("{file} is no sound JSON: {reason}", file=file, reason=error) from error
    reader = _Reader(plain if isinstance(plain, dict) else {}, file)
    info = reader.info()
    allowed, required = reader.names("Manifests-Allowed"), reader.names("Manifests-Required") or ()
    tag_allowed, tag_required = reader.names("Tag-Manifests-Allowed"), reader.names("Tag-Manifests-Required") or ()
    reader.includes("Manifests-Allowed", allowed, required)
    reader.includes("Tag-Manifests-Allowed", tag_allowed, tag_required)
    return Profile(
        identifier=info[IDENTIFIER],
        info=info,
        accept_versions=reader.names("Accept-BagIt-Version", required=True) or (),
        elements=reader.elements(),
        manifests_required=required,
        manifests_allowed=allowed,
        tag_manifests_required=tag_required,
        tag_manifests_allowed=tag_allowed,
        allow_fetch=reader.flag("Allow-Fetch.txt", default=True),
        fetch_required=reader.flag("Fetch.txt-Required", default=False),
        data_empty=reader.flag("Data-Empty", default=False),
        serialization=reader.serialization(),
        accept_serialization=reader.names("Accept-Serialization") or (),
        tag_files_required=reader.names("Tag-Files-Required") or (),
        tag_files_allowed=reader.names("Tag-Files-Allowed"),
        payload_files_required=reader.names("Payload-Files-Required") or (),
        payload_files_allowed=reader.names("Payload-Files-Allowed"),
    )


class _Reader:
    """Takes a profile's JSON apart; what does not fit the specification is `Misused`."""

    def __init__(self, plain: dict[str, Any], file: str) -> None:
        self._plain = plain
        self._file = file

    def _wrong(self, key: str, wanted: str) -> Misused:
        template = "{file} is no BagIt profile: {key} must be {wanted}"
        return Misused(template, file=self._file, key=key, wanted=wanted)

    def info(self) -> dict[str, str]:
        info = self._plain.get("BagIt-Profile-Info")
        if not isinstance(info, dict) or not all(isinstance(info.get(key), str) for key in _INFO_REQUIRED):
            raise self._wrong("BagIt-Profile-Info", "an object with " + ", ".join(_INFO_REQUIRED))
        version = str(info.get("BagIt-Profile-Version", "1.1.0"))
        if not version.startswith(_KNOWN_VERSIONS):
            raise self._wrong("BagIt-Profile-Version", "1.1 to 1.4")
        return {key: str(value) for key, value in info.items()}

    def names(self, key: str, *, required: bool = False) -> tuple[str, ...] | None:
        value = self._plain.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or (required and not value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._plain.get(key, default)
        if isinstance(value, str) and value.lower() in ("true", "false"):  # as older profiles have it
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def serialization(self) -> str:
        value = self._plain.get("Serialization", "optional")
        if value not in ("forbidden", "required", "optional"):
            raise self._wrong("Serialization", "forbidden, required or optional")
        return str(value)

    def includes(self, key: str, allowed: tuple[str, ...] | None, required: tuple[str, ...]) -> None:
        if allowed is not None and not set(required) <= set(allowed):
            raise self._wrong(key, "a list that includes all that is required")

    def elements(self) -> tuple[ElementRule, ...]:
        rules = self._plain.get("Bag-Info", {})
        if not isinstance(rules, dict):
            raise self._wrong("Bag-Info", "an object")
        return tuple(self._element(label, rule) for label, rule in rules.items())

    def _element(self, label: str, rule: Any) -> ElementRule:
        flags = {"required": False, "repeatable": True, "recommended": False}
        if not isinstance(rule, dict) or not all(isinstance(rule.get(key, False), bool) for key in flags):
            raise self._wrong(
                f"Bag-Info, {label}", "an object whose required, repeatable and recommended are true or false"
            )
        values = rule.get("values", [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._wrong(f"Bag-Info, {label}, values", "a list of texts")
        said = {key: bool(rule.get(key, default)) for key, default in flags.items()}
        return ElementRule(label, values=tuple(values), description=str(rule.get("description", "")), **said)


def judge(profile: Profile, bag: BagFacts, *, serialized_as: str | None, payload_paths: Iterable[str] = ()) -> Breaches:
    """What of `profile` the bag does not keep.

    `serialized_as` is the MIME type of the file the bag came in, None for a folder.  `payload_paths` (beginning with
    `data/`) are needed only where the profile asks for them.
    """
    breaches, advice = ComplaintList(), ComplaintList()
    _judge_version(profile, bag, breaches)
    _judge_serialization(profile, serialized_as, breaches)
    _judge_elements(profile, bag, breaches, advice)
    _judge_manifests(profile, bag, breaches)
    _judge_fetch_and_data(profile, bag, breaches)
    _judge_tag_files(profile, bag, breaches)
    if profile.asks_for_payload_paths:
        _judge_payload(profile, payload_paths, breaches)
    return Breaches(breaches.named, advice.named)


def _judge_version(profile: Profile, bag: BagFacts, breaches: ComplaintList) -> None:
    version = ".".join(map(str, bag.version))
    if version not in profile.accept_versions:
        template = "the profile accepts BagIt {accepted}, and the bag is {version}"
        breaches.add("version", "bagit.txt", template, accepted=", ".join(profile.accept_versions), version=version)


def _judge_serialization(profile: Profile, serialized_as: str | None, breaches: ComplaintList) -> None:
    if serialized_as is None:
        if profile.serialization == "required":
            breaches.add("serialization", "", "the profile wants the bag in one file, and it is a folder")
    elif profile.serialization == "forbidden":
        breaches.add("serialization", "", "the profile wants the bag as a folder, and it is one file")
    elif serialized_as not in profile.accept_serialization:
        template = "the profile accepts bags as {accepted}, and this one is {found}"
        accepted = ", ".join(profile.accept_serialization) or "nothing"
        breaches.add("serialization", "", template, accepted=accepted, found=serialized_as)


def _judge_elements(profile: Profile, bag: BagFacts, breaches: ComplaintList, advice: ComplaintList) -> None:
    if profile.identifier not in values_of(bag.elements, IDENTIFIER):
        template = "{label} {identifier} is missing in bag-info.txt"
        breaches.add("identifier", "bag-info.txt", template, label=IDENTIFIER, identifier=profile.identifier)
    for rule in profile.elements:
        values = values_of(bag.elements, rule.label)
        if not any(values):
            template = "{label} is missing in bag-info.txt"
            if rule.required:
                breaches.add("element-missing", rule.label, template, label=rule.label)
            elif rule.recommended:
                advice.add("element-recommended", rule.label, template, label=rule.label)
        if len(values) > 1 and not rule.repeatable:
            breaches.add(
                "element-repeated", rule.label, "{label} may stand only once in bag-info.txt", label=rule.label
            )
        for value in values:
            if rule.values and value not in rule.values:
                template = "{label} is {value}, and must be one of {allowed}"
                said = {"label": rule.label, "value": value, "allowed": ", ".join(rule.values)}
                breaches.add("element-value", rule.label, template, **said)


def _judge_manifests(profile: Profile, bag: BagFacts, breaches: ComplaintList) -> None:
    for kind, found, required, allowed in (
        ("manifest", bag.payload_manifests, profile.manifests_required, profile.manifests_allowed),
        ("tagmanifest", bag.tag_manifests, profile.tag_manifests_required, profile.tag_manifests_allowed),
    ):
        for algorithm in required:
            if algorithm not in found:
                file = f"{kind}-{algorithm}.txt"
                breaches.add("manifest-missing", file, "{file} is missing, and the profile requires it", file=file)
        for algorithm in found:
            if allowed is not None and algorithm not in allowed:
                file = f"{kind}-{algorithm}.txt"
                breaches.add("manifest-not-allowed", file, "the profile does not allow {file}", file=file)


def _judge_fetch_and_data(profile: Profile, bag: BagFacts, breaches: ComplaintList) -> None:
    if bag.has_fetch and not profile.allow_fetch:
        breaches.add("fetch", "fetch.txt", "the profile does not allow {file}", file="fetch.txt")
    if profile.fetch_required and not bag.has_fetch:
        breaches.add("fetch", "fetch.txt", "{file} is missing, and the profile requires it", file="fetch.txt")
    # "The minimum contents for the directory to be included in the archive": nothing, or one empty file.
    if profile.data_empty and (bag.payload.octets or bag.payload.streams > 1):
        breaches.add("data", "data/", "the profile wants an empty payload")


def _judge_tag_files(profile: Profile, bag: BagFacts, breaches: ComplaintList) -> None:
    for path in profile.tag_files_required:
        if path not in bag.tag_files:
            breaches.add("tag-file-missing", path, "{file} is missing, and the profile requires it", file=path)
    if profile.tag_files_allowed is None:
        return
    allowed = _globs(profile.tag_files_allowed)
    for path in bag.tag_files:
        is_manifest = algorithm_of(path) is not None
        if path not in _ALWAYS_ALLOWED and not is_manifest and not allowed.fullmatch(path):
            breaches.add("tag-file-not-allowed", path, "the profile does not allow {file}", file=path)


def _judge_payload(profile: Profile, paths: Iterable[str], breaches: ComplaintList) -> None:
    missing = set(profile.payload_files_required)
    allowed = None if profile.payload_files_allowed is None else _globs(profile.payload_files_allowed)
    for path in paths:
        missing.discard(path)
        if allowed is not None and not allowed.fullmatch(path):
            breaches.add("payload-file-not-allowed", path, "the profile does not allow {file}", file=path)
    for path in sorted(missing):
        breaches.add("payload-file-missing", path, "{file} is missing, and the profile requires it", file=path)


def _globs(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for several patterns in which `*` stands for any characters."""
    each = (".*".join(re.escape(part) for part in pattern.split("*")) for pattern in patterns)
    return re.compile("|".join(f"(?:{one})" for one in each) or "(?!)", re.DOTALL)
