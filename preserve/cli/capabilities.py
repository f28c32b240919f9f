"""What a store can, as people say it; `--json` keeps the identifiers of the probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preserve.cli.messages import _


def capability_lines(capabilities: Mapping[str, bool]) -> Iterator[str]:
    """What the store can, and what it cannot, one below the other."""
    for can, heading in ((True, _("  it can:")), (False, _("  it cannot:"))):
        phrases = [phrase for name, phrase in capability_phrases().items() if capabilities.get(name) is can]
        phrases += sorted(name for name, has in capabilities.items() if has is can and name not in capability_phrases())
        if phrases:
            yield heading
            yield from (f"    {phrase}" for phrase in phrases)


def capability_phrases() -> dict[str, str]:
    """What each name the probe uses means, so that it fits behind "it can" and "it cannot"; the weightiest first."""
    return {
        "create_only": _("refuse to overwrite an object"),
        "create_only_multipart": _("refuse to overwrite an object with one sent in parts"),
        "create_only_race": _("let one alone win of several who write the same key at once"),
        "part_digest_sha256": _("check the SHA-256 of what arrives"),
        "part_digest_md5": _("check the MD5 of what arrives"),
        "attests_sha256": _("attest the SHA-256 of what it keeps"),
        "object_lock": _("lock objects against erasing until a date"),
        "object_lock_at_once": _("lock an object the moment it is made"),
        "object_lock_default": _("lock every object by a rule of its own"),
        "versioning": _("keep older versions of an object"),
        "copies_within": _("copy parts of objects within itself"),
        "part_copy": _("copy a part from another object on request"),
        "user_metadata": _("keep our mark beside an object"),
        "listing_sorted": _("list objects in the order of their keys"),
        "hostile_names": _("keep names with Chinese letters, blanks and signs"),
        "case_sensitive": _("tell capital from small letters in keys"),
        "erases": _("erase an object for disposal"),
    }
