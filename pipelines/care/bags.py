"""BagIt (RFC 8493): a folder with its manifest, so that whoever receives it can prove that it is whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

PAYLOAD = "data"


def seal(bag: Path, *, now: datetime, source: str) -> int:
    """Write bagit.txt, bag-info.txt and the manifests beside the finished payload in `data`; returns its bytes.

    Every file of the payload is read again from disk.
    """
    files = list(_files(bag / PAYLOAD))
    total = sum(path.stat().st_size for path in files)
    _write(bag / "manifest-sha256.txt", _manifest(bag, files))
    _write(bag / "bagit.txt", ["BagIt-Version: 1.0", "Tag-File-Character-Encoding: UTF-8"])
    info = [
        f"Source-Organization: {_line(source)}",
        f"Bagging-Date: {now:%Y-%m-%d}",
        "Bag-Software-Agent: aweme-archive",
        f"Payload-Oxum: {total}.{len(files)}",
    ]
    _write(bag / "bag-info.txt", info)
    tags = [bag / name for name in ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")]
    _write(bag / "tagmanifest-sha256.txt", _manifest(bag, tags))
    return total


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def _manifest(bag: Path, files: list[Path]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [
            f"{digest}  {_encoded(path.relative_to(bag).as_posix())}"
            for path, digest in zip(files, pool.map(_digest, files), strict=True)
        ]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _encoded(path: str) -> str:
    """A path as manifests spell it: line ends, and the sign that spells them, in percent."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _line(text: str) -> str:
    return " ".join(text.split())


def _write(path: Path, lines: list[str]) -> None:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
