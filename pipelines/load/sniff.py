"""What a file is, told from its first bytes: MIME type, suffix, and whether it is what was promised. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 4096
"""So many first bytes are enough for `sniff`; fewer only where the file has no more."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file: MIME type, suffix with its dot, and whether it holds pictures, sound, video or text."""

    mime: str
    suffix: str
    family: str


MP4 = FileType("video/mp4", ".mp4", "video")
QUICKTIME = FileType("video/quicktime", ".mov", "video")
M4A = FileType("audio/mp4", ".m4a", "audio")
HEIC = FileType("image/heic", ".heic", "image")
HEIF = FileType("image/heif", ".heif", "image")
AVIF = FileType("image/avif", ".avif", "image")
WEBP = FileType("image/webp", ".webp", "image")
WAV = FileType("audio/wav", ".wav", "audio")
FLV = FileType("video/x-flv", ".flv", "video")
MPEG_TS = FileType("video/mp2t", ".ts", "video")
WEBM = FileType("video/webm", ".webm", "video")
MP3 = FileType("audio/mpeg", ".mp3", "audio")
AAC = FileType("audio/aac", ".aac", "audio")
TEXT = FileType("text/plain", ".txt", "text")
HTML = FileType("text/html", ".html", "page")
XML = FileType("application/xml", ".xml", "page")
JSON = FileType("application/json", ".json", "page")

_MAGIC: tuple[tuple[bytes, FileType], ...] = (
    (b"\xff\xd8\xff", FileType("image/jpeg", ".jpg", "image")),
    (b"\x89PNG\r\n\x1a\n", FileType("image/png", ".png", "image")),
    (b"GIF87a", FileType("image/gif", ".gif", "image")),
    (b"GIF89a", FileType("image/gif", ".gif", "image")),
    (b"\xff\x0a", FileType("image/jxl", ".jxl", "image")),
    (b"\x00\x00\x00\x0cJXL ", FileType("image/jxl", ".jxl", "image")),
    (b"BM", FileType("image/bmp", ".bmp", "image")),
    (b"ID3", MP3),
    (b"fLaC", FileType("audio/flac", ".flac", "audio")),
    (b"OggS", FileType("audio/ogg", ".ogg", "audio")),
    (b"FLV\x01", FLV),
    (b"\x1aE\xdf\xa3", WEBM),
)
# Brands of ISO base media files that are no plain MP4 video; every other brand is.
_BRANDS: dict[bytes, FileType] = {
    b"M4A ": M4A,
    b"M4B ": M4A,
    b"heic": HEIC,
    b"heix": HEIC,
    b"heim": HEIC,
    b"heis": HEIC,
    b"hevc": HEIC,
    b"hevx": HEIC,
    b"mif1": HEIF,
    b"msf1": HEIF,
    b"avif": AVIF,
    b"avis": AVIF,
    b"qt  ": QUICKTIME,
}
_BOXES = (b"ftyp", b"styp", b"moof", b"moov", b"sidx")

_VIDEO, _IMAGE, _AUDIO = frozenset({"video"}), frozenset({"image"}), frozenset({"audio"})
_FAMILIES: dict[str, frozenset[str]] = {
    "video": _VIDEO,
    "live_photo": _VIDEO,
    "stream": _VIDEO,
    "image": _IMAGE,
    "cover": _IMAGE,
    "avatar": _IMAGE,
    "dynamic_cover": _IMAGE | _VIDEO,
    "music": _AUDIO,
    "caption": frozenset({"text"}),
}
# The suffixes under which a file of a family may be found again; the likely ones first.
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "video": (".mp4", ".mov", ".flv", ".ts", ".webm"),
    "image": (".webp", ".jpg", ".png", ".heic", ".gif", ".avif", ".heif", ".jxl", ".bmp"),
    "audio": (".mp3", ".m4a", ".aac", ".wav", ".flac", ".ogg"),
    "text": (".txt",),
}


def sniff(head: bytes) -> FileType | None:
    """The type of a file that begins with `head` (HEAD_BYTES of it); None where the bytes tell nothing."""
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[4:8] in _BOXES:
        return _BRANDS.get(head[8:12], MP4) if head[4:8] == b"ftyp" else MP4
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    return _frames(head) or _page(head)


def sniff_as(kind: str, head: bytes) -> FileType | None:
    """The type of a file promised as `kind` (one of MEDIA_KINDS); None where the bytes are anything else."""
    found = sniff(head)
    if kind == "music" and found in (MP4, QUICKTIME):
        return M4A  # sounds often come in a container whose brand does not say that no picture is in it
    if found is None or found.family not in families_of(kind):
        return None
    return found


def families_of(kind: str) -> frozenset[str]:
    """What a file of this kind may hold."""
    return _FAMILIES.get(kind, frozenset())


def suffixes_of(kind: str) -> tuple[str, ...]:
    """Every suffix that a kept file of this kind may have."""
    return tuple(suffix for family, names in _SUFFIXES.items() if family in families_of(kind) for suffix in names)


def _frames(head: bytes) -> FileType | None:
    # Formats without a magic number: a frame begins with set bits, and the next ones must make sense.
    if len(head) < 4:
        return None
    if head[0] == 0x47 and (head[188:189] == b"\x47" or len(head) == 188):  # packets of 188 bytes, and no "Gone"
        return MPEG_TS
    if head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return AAC
    if head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0:
        return MP3
    return None


def _page(head: bytes) -> FileType | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<!--")):
        return HTML
    if start.startswith((b"<?xml", b"<error")):
        return XML
    if start.startswith((b"{", b"[")):
        return JSON
    return None
