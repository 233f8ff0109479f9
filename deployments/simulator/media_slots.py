"""The media of a post as slot values: which files there are, how large, at which signed addresses. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from deployments.simulator.addresses import Asset, encode, music_url, sign, token_of
from deployments.simulator.ladders import LADDERS, Rung, played
from deployments.simulator.templates import absent_or
from deployments.simulator.video_shapes import image_template, slideshow_template, video_template

_NO_ADDRESS = b'{"uri":"","url_list":[],"width":720,"height":720,"url_key":""}'
_COVER, _ORIGIN, _DYNAMIC, _AUDIO, _MUSIC, _IMAGE, _LIVE = 900, 901, 902, 903, 904, 1000, 2000
_GOLDEN, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1
_LEAST = 6_000  # the smallest real clip has 4,243 bytes


@dataclass(frozen=True, slots=True)
class _Slots:
    """One rung of a ladder: the names of its holes, and what is the same for every post."""

    at: int
    form: str
    share: float
    width: int
    height: int
    token: str
    path: str
    first: str
    size: str
    hash: str


@cache
def _slots(name: str) -> tuple[_Slots, ...]:
    ladder = LADDERS[name]
    top = max(rung.rate for rung in ladder)
    return tuple(_slots_of(at, rung, rung.rate / top) for at, rung in enumerate(ladder))


def _slots_of(at: int, rung: Rung, share: float) -> _Slots:
    holes = [f"{hole}{at}" for hole in ("token", "path", "first", "size", "hash")]
    return _Slots(at, "silent_mp4" if rung.form == "dash" else "mp4", share, rung.width, rung.height, *holes)


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one post: `seed` is the post's own, `best` the bytes of its best picture, `expires` unix seconds."""

    seed: int
    best: int
    duration_ms: int
    expires: int
    mood: str = ""

    def size(self, part: int, share: float) -> int:
        """The bytes of one file: a share of the best picture's, give or take a tenth, so that no two are alike."""
        return max(_LEAST, int(self.best * share * (0.9 + (self.seed >> part % 48 & 255) / 1280)))

    def seed_of(self, part: int) -> int:
        """The seed of one file."""
        return self.seed + part * _GOLDEN & _MASK

    def video(self, name: str) -> list[bytes]:
        """The `video` object with the pictures of a ladder, in pieces."""
        ladder = LADDERS[name]
        values = self._covers() | {"duration": b"%d" % self.duration_ms}
        for rung in _slots(name):
            self._rung(values, rung)
        values["uri"] = b"v0200fg10000" + values[f"token{played(ladder)}"]
        if name in ("2026", "odd"):
            audio = Asset("audio", "m4a", self.seed_of(_AUDIO), self.size(_AUDIO, 0.2), 0, 0, 0, self.duration_ms)
            values |= {"audio": self._path(encode(audio).encode()), "audio_size": b"%d" % audio.size}
        return video_template(name).pieces(values)

    def slideshow(self, music_play: bytes) -> list[bytes]:
        """The `video` object of a gallery, whose play_addr is the music, in pieces."""
        return slideshow_template().pieces(self._covers() | {"music_play": music_play})

    def no_video(self) -> list[bytes]:
        """The `video` object of a video whose addresses Douyin keeps to itself, in pieces."""
        return self.slideshow(_NO_ADDRESS)

    def images(self, count: int, *, live: bool = False) -> bytes:
        """The `images` list of a gallery."""
        return b"[" + b",".join(self._image(number, live=live) for number in range(count)) + b"]"

    def music(self) -> Asset:
        """The sound of the post."""
        return Asset("music", "mp3", self.seed_of(_MUSIC), self.size(_MUSIC, 0.3), 0, 0, 0, self.duration_ms)

    def music_play(self, *, dead: bool = False) -> bytes:
        """The `play_url` of the sound; an empty list where it is not available."""
        if dead:
            return _NO_ADDRESS
        asset = self.music()
        urls = [music_url(asset, node) for node in range(2)]
        if self.mood:
            urls[0] = music_url(asset.in_mood(self.mood))
        listed = '","'.join(urls)
        return f'{{"uri":"{urls[-1]}","url_list":["{listed}"],"width":720,"height":720,"url_key":"made-up"}}'.encode()

    def _rung(self, values: dict[str, bytes], rung: _Slots) -> None:
        size, seed = self.size(rung.at, rung.share), self.seed_of(rung.at)
        place = (size, rung.width, rung.height, self.duration_ms)
        token = token_of(("video", rung.form, "", rung.at), seed, *place)
        path = first = self._path(token)
        if self.mood:
            first = self._path(token_of(("video", rung.form, self.mood, rung.at), seed, *place))
        values[rung.token], values[rung.path], values[rung.first] = token, path, first
        values[rung.size], values[rung.hash] = b"%d" % size, path[31::-1]

    def _path(self, token: bytes) -> bytes:
        signature = sign(token, self.expires).encode()
        return b"%s/%x/video/tos/cn/tos-cn-ve-15/%s" % (signature, self.expires, token)

    def _covers(self) -> dict[str, bytes]:
        values = {"expires": b"%d" % self.expires}
        for slot, part, kind, form in _COVERS:
            asset = Asset(kind, form, self.seed_of(part), self.size(part, 0.15), part % 100, 360, 640)
            values |= self._picture(slot, asset)
        return values

    def _picture(self, slot: str, asset: Asset) -> dict[str, bytes]:
        token = encode(asset)
        return {f"{slot}_token": token.encode(), f"{slot}_sign": sign(token, self.expires).encode()}

    def _image(self, number: int, *, live: bool) -> bytes:
        seed, share = self.seed_of(_IMAGE + number), 0.4
        # Live photos stand among still ones.
        moves = live and number % 3 != 2
        webp = Asset("image", "webp", seed, self.size(_IMAGE + number, share), number, 1080, 1440)
        jpeg = Asset("image", "jpeg", seed, self.size(_IMAGE + number, share * 1.3), number, 1080, 1440)
        values = {"expires": b"%d" % self.expires} | self._picture("webp", webp) | self._picture("jpeg", jpeg)
        values |= self._picture("first", webp.in_mood(self.mood))
        values["live"] = self._live(number) if moves else absent_or("clip_type", 2) if live else b""
        return image_template().fill(values)

    def _live(self, number: int) -> bytes:
        moving = Files(self.seed_of(_LIVE + number), max(_LEAST, self.best // 2), 3_000, self.expires, self.mood)
        return b"".join((b'"clip_type":5,"live_photo_type":1,"video":', *moving.video("2024"), b","))


_COVERS = (
    ("cover", _COVER, "cover", "jpeg"),
    ("origin", _ORIGIN, "cover", "jpeg"),
    ("dynamic", _DYNAMIC, "dynamic_cover", "webp"),
)
