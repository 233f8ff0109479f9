"""Live pictures as MPEG-TS segments and FLV tags, for any sequence number. No I/O here.

One short H.264 clip (clips.py) is packed again for every segment: timestamps, program clock and continuity counters
follow from the sequence number, so segments that follow each other play as one, and a missing or doubled one shows.
Each segment opens with an IDR picture and carries its seed and its number in a private SEI message.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from deployments.simulator import clips

FPS = 25
PACKET = 188
_CLOCK = 90_000  # ticks of a TS timestamp in a second
_LEAD = 63_000  # pictures are shown 0.7 s after the clock says so, as encoders do
_PAT_PID, _PMT_PID, _VIDEO_PID = 0, 0x1000, 0x100
_SEI_UUID = bytes.fromhex("6d6164652d75702d646f7579696e2121")


def frames_in(seconds: float) -> int:
    """How many pictures a segment of that length has; at least two."""
    return max(2, round(seconds * FPS))


def ts_segment(seed: int, number: int, seconds: float, since: int = 0) -> bytes:
    """Segment `number` of a stream as MPEG-TS; its time runs from segment `since`, where the encoder (re)started."""
    count = frames_in(seconds)
    tables = [_table_packet(_PAT_PID, _pat(), number - since), _table_packet(_PMT_PID, _pmt(), number - since)]
    packets: list[bytes] = []
    per_segment = sum(_packets_of(len(_access_unit(seed, number, index))) for index in range(count))
    counter = (number - since) * per_segment
    for index in range(count):
        stamp = ((number - since) * count + index) * _CLOCK // FPS
        unit = _pes(_access_unit(seed, number, index), stamp + _LEAD)
        packets += _video_packets(unit, counter + len(packets), stamp, is_key=_is_key(index))
    return b"".join(tables + packets)


def flv_head(seed: int) -> bytes:
    """What an FLV stream begins with: its header, what it says of itself, and the parameter sets."""
    del seed  # the same of every stream, as from one encoder
    meta = b"\x02\0\x0aonMetaData\x08" + struct.pack(">I", 3)
    for name, value in ((b"width", 64.0), (b"height", 64.0), (b"framerate", float(FPS))):
        meta += struct.pack(">H", len(name)) + name + b"\0" + struct.pack(">d", value)
    sps, pps = _parameter_sets()
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    record += b"\x01" + struct.pack(">H", len(pps)) + pps
    head = b"FLV\x01\x01\0\0\0\x09" + bytes(4)
    return head + _flv_tag(18, 0, meta + b"\0\0\x09") + _flv_tag(9, 0, b"\x17\0\0\0\0" + record)


def flv_tags(seed: int, number: int, seconds: float, since: int = 0) -> bytes:
    """The tags of the same pictures as `ts_segment`; timestamps are in ms from segment `since`."""
    count = frames_in(seconds)
    return b"".join(
        _flv_tag(
            9,
            ((number - since) * count + index) * 1000 // FPS,
            (b"\x17" if _is_key(index) else b"\x27") + b"\x01\0\0\0" + _lengths(_units(seed, number, index)),
        )
        for index in range(count)
    )


def _is_key(index: int) -> bool:
    return index % len(_pictures()) == 0


def _units(seed: int, number: int, index: int) -> list[bytes]:
    """The NAL units of one picture; a key picture brings the parameter sets and tells where it belongs."""
    picture = _pictures()[index % len(_pictures())]
    if not _is_key(index):
        return [picture]
    return [*_parameter_sets(), _sei(seed, number), picture]


def _sei(seed: int, number: int) -> bytes:
    # Text, so that no byte needs escaping; of one length, so that counters of later segments are known.
    mark = blake2b(b"%d" % seed, digest_size=16).hexdigest()
    text = f"{mark} segment {number:010d}".encode()
    return b"\x06\x05" + bytes([len(_SEI_UUID) + len(text)]) + _SEI_UUID + text + b"\x80"


def _access_unit(seed: int, number: int, index: int) -> bytes:
    start = b"\0\0\0\x01"
    return start + b"\x09\xf0" + b"".join(start + unit for unit in _units(seed, number, index))


def _lengths(units: list[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def _pes(unit: bytes, pts: int) -> bytes:
    stamp = pts % 2**33
    fields = (0x21 | stamp >> 29 & 0x0E, stamp >> 22 & 0xFF, stamp >> 14 & 0xFE | 1, stamp >> 7 & 0xFF)
    return b"\0\0\x01\xe0\0\0\x80\x80\x05" + bytes(fields) + bytes([stamp << 1 & 0xFE | 1]) + unit


_PES_HEAD = 14
_FIRST_ROOM = PACKET - 4 - 8  # the first packet of a picture carries the clock
_ROOM = PACKET - 4


def _packets_of(unit_size: int) -> int:
    return 1 + max(0, -(-(unit_size + _PES_HEAD - _FIRST_ROOM) // _ROOM))


def _video_packets(pes: bytes, counter: int, clock: int, *, is_key: bool) -> Iterator[bytes]:
    base = clock % 2**33
    pcr = struct.pack(">IH", base >> 1, (base & 1) << 15 | 0x7E00)
    field = bytes([0x50 if is_key else 0x10]) + pcr
    place = 0
    while place < len(pes):
        payload = pes[place : place + (_FIRST_ROOM if place == 0 else _ROOM)]
        yield _packet(_VIDEO_PID, counter, payload, field if place == 0 else b"", starts=place == 0)
        place += len(payload)
        counter += 1


def _packet(pid: int, counter: int, payload: bytes, field: bytes = b"", *, starts: bool) -> bytes:
    spare = _ROOM - len(payload) - (len(field) + 1 if field else 0)
    if spare:  # an adaptation field is also what fills a packet up
        missing = spare - (0 if field else 1)
        field = (field or (b"\0" if missing else b"")) + b"\xff" * (missing - (0 if field else 1))
        adaptation = bytes([len(field)]) + field
    else:
        adaptation = bytes([len(field)]) + field if field else b""
    head = struct.pack(">BHB", 0x47, (0x4000 if starts else 0) | pid, (0x30 if adaptation else 0x10) | counter & 15)
    return head + adaptation + payload


def _table_packet(pid: int, section: bytes, counter: int) -> bytes:
    whole = section + struct.pack(">I", _crc32_mpeg(section))
    head = struct.pack(">BHB", 0x47, 0x4000 | pid, 0x10 | counter & 15)
    return (head + b"\0" + whole).ljust(PACKET, b"\xff")


def _pat() -> bytes:
    return bytes.fromhex("00b00d0001c100000001") + struct.pack(">H", 0xE000 | _PMT_PID)


def _pmt() -> bytes:
    head = bytes.fromhex("02b0120001c10000") + struct.pack(">H", 0xE000 | _VIDEO_PID) + b"\xf0\0"
    return head + b"\x1b" + struct.pack(">H", 0xE000 | _VIDEO_PID) + b"\xf0\0"


def _crc32_mpeg(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _flv_tag(kind: int, milliseconds: int, data: bytes) -> bytes:
    stamp = (milliseconds & 0xFFFFFF).to_bytes(3, "big") + bytes([milliseconds >> 24 & 0xFF])
    tag = bytes([kind]) + len(data).to_bytes(3, "big") + stamp + bytes(3) + data
    return tag + struct.pack(">I", len(tag))


@lru_cache(maxsize=1)
def _clip_units() -> tuple[bytes, ...]:
    parts = b64decode(clips.H264).replace(b"\0\0\0\x01", b"\0\0\x01").split(b"\0\0\x01")
    return tuple(part for part in parts if part)


@lru_cache(maxsize=1)
def _pictures() -> tuple[bytes, ...]:
    return tuple(unit for unit in _clip_units() if unit[0] & 0x1F in {1, 5})


@lru_cache(maxsize=1)
def _parameter_sets() -> tuple[bytes, bytes]:
    sps = next(unit for unit in _clip_units() if unit[0] & 0x1F == 7)
    return sps, next(unit for unit in _clip_units() if unit[0] & 0x1F == 8)
