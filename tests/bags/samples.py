"""Small bags and tars for tests, laid down by our own writers."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from preserve.bags import manifests, tags

CORPORA = Path(os.environ.get("PRESERVE_CORPORA") or Path(__file__).parents[2].parent / "shared" / "corpora")


def corpus(name: str) -> Path:
    """A file of the corpora; the test is skipped where they are absent."""
    path = CORPORA / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set PRESERVE_CORPORA")
    return path


def lay_down(top: Path, files: Mapping[bytes, bytes]) -> Path:
    """Write files with any names below `top`."""
    top.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        full = os.path.join(os.fsencode(top), path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content)
    return top


def manifest(algorithm: str, files: Mapping[bytes, bytes], prefix: str = "data/") -> bytes:
    """The manifest of `files`, as we write it."""
    return "".join(
        manifests.line(hashlib.new(algorithm, content).hexdigest(), prefix + path.decode())
        for path, content in files.items()
    ).encode()


def make_bag(
    top: Path,
    payload: Mapping[bytes, bytes],
    *,
    version: str = "1.0",
    algorithms: Iterable[str] = ("sha256",),
    tag_files: Mapping[str, bytes] | None = None,
    tag_manifest: bool = True,
) -> Path:
    """A sound bag, but for what `tag_files` puts in place of its own or beside them."""
    declaration = tags.BAGIT_TXT.replace(b"1.0", version.encode())
    own = {"bagit.txt": declaration}
    own.update({manifests.file_name(name): manifest(name, payload) for name in algorithms})
    own.update(tag_files or {})
    if tag_manifest:
        listed = {name.encode(): content for name, content in own.items()}
        own.setdefault("tagmanifest-sha256.txt", manifest("sha256", listed, ""))
    (top / "data").mkdir(parents=True)
    lay_down(top / "data", payload)
    lay_down(top, {name.encode(): content for name, content in own.items()})
    return top


def tar_of(path: Path, members: Iterable[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]], *, mode: str = "w") -> Path:
    """A tar with exactly these members, written by the standard library."""
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A member of a tar."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.mtime = 1_700_000_000
    return info
