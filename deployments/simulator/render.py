"""Posts and their authors as the JSON that Douyin sends, made by filling templates. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import orjson

from deployments.simulator.addresses import Asset, encode, image_url
from deployments.simulator.author_shapes import author_template
from deployments.simulator.aweme_shapes import aweme_template, mix_template
from deployments.simulator.media_slots import Files
from deployments.simulator.mixes import episode_of
from deployments.simulator.music_shapes import music_template
from deployments.simulator.numbers import digits, mix
from deployments.simulator.templates import absent_or
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import CROWD, Account, Post, World

VALID_S = 3 * 3600
_TAG = re.compile(r"([#@])([^\s#@]+)")
_OFFLINE = "该声音由于版权原因在当前地区不可用".encode()
_SONG, _BAND = "城市里的光".encode(), "一支乐队".encode()


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders for one moment: addresses are signed for three hours from `now`, unix seconds."""

    world: World
    now: int
    _people: dict[int, dict[str, bytes]] = field(default_factory=dict)

    def posts(self, posts: list[Post], pack: str = "post") -> bytes:
        """A JSON list of posts."""
        pieces: list[bytes] = []
        for post in posts:
            pieces += (b",", *self.pieces(post, pack))
        return b"".join((b"[", *pieces[1:], b"]"))

    def post(self, post: Post, pack: str = "post") -> bytes:
        """One post in a pack: post, detail, favorite or feed."""
        return b"".join(self.pieces(post, pack))

    def pieces(self, post: Post, pack: str) -> list[bytes]:
        """The same, not joined yet."""
        kind, person = post.kind, self._person(post.user)
        seed = mix(self.world.seed, post.user, post.index, 6)
        duration = 0 if kind.images else 5_000 + seed % 170_000
        files = Files(seed, self.world.media_bytes, duration, self.now + VALID_S, kind.mood)
        values = person | self._facts(post, seed) | self._texts(post) | self._mix_pair(post)
        values["author"] = self._author(person, kind.era, pack) if kind.has_author else b"null"
        values["duration"] = b"%d" % duration
        values["music_id"] = _music_id(seed)
        values["music_pair"] = self._music_pair(post, person, files, values["music_id"])
        values["images"] = files.images(kind.images, live=kind.is_live_photo) if kind.images else b"null"
        return aweme_template(kind.era, pack).around("video", self._video(post, files), values)

    def author(self, account: Account, pack: str) -> bytes:
        """One account as it stands beside a post."""
        return author_template(pack).fill(self._person(account.number))

    def avatar(self, account: Account) -> str:
        """The token of the account's picture."""
        return encode(Asset("avatar", "jpeg", mix(self.world.seed, account.number, 8), 6_000, 0, 1080, 1080))

    def picture(self, post: Post) -> str:
        """The address of some picture: the first of the post's covers."""
        asset = Asset("image", "webp", mix(self.world.seed, post.user, post.index, 10), 8_000, 0, 720, 720)
        return image_url(asset, self.now + VALID_S)

    def sound(self, post: Post) -> bytes:
        """The sound of a post as it stands among collected sounds, its duration in milliseconds."""
        seed = mix(self.world.seed, post.user, post.index, 6)
        files = Files(seed, self.world.media_bytes, 5_000_000 + seed % 170_000_000, self.now + VALID_S)
        return self._music(post, self._person(post.user), files, _music_id(seed))

    def _person(self, number: int) -> dict[str, bytes]:
        known = self._people.get(number)
        if known is None:
            known = self._people[number] = self._person_of(self.world.account(number))
        return known

    def _person_of(self, account: Account) -> dict[str, bytes]:
        seed = mix(self.world.seed, account.number, 7)
        return {
            "uid": account.uid.encode(),
            "sec_uid": account.sec_user_id.encode(),
            "nickname": escaped(account.nickname),
            "unique_id": account.unique_id.encode(),
            "short_id": account.short_id.encode(),
            "bio": escaped(f"第{account.number}号，做点东西，写点东西\n别问，问就是喜欢"),
            "avatar": self.avatar(account).encode(),
            "follower_count": b"%d" % (seed % 3_000_000),
            "following_count": b"%d" % (seed % 900),
            "aweme_count": b"%d" % account.post_count,
            "favoriting_count": b"%d" % self.world.likes,
            "total_favorited": b"%d" % (seed % 90_000_000),
            "now": b"%d" % (NEWEST_AT - seed % 10**8),
        }

    def _author(self, person: dict[str, bytes], era: int, pack: str) -> bytes:
        return author_template(str(era) if pack in ("post", "feed") else pack).fill(person)

    def _facts(self, post: Post, seed: int) -> dict[str, bytes]:
        kind, likes = post.kind, seed % 40_000 + post.bumped
        low = int(post.aweme_id) - (seed % 99_991 if post.index % 5 == 0 else 0)
        return {
            "aweme_id": post.aweme_id.encode(),
            "group_id": b"%d" % low,
            "created_at": b"%d" % post.created_at,
            "aweme_type": b"%d" % kind.aweme_type,
            "media_type": b"42" if kind.is_live_photo else b"2" if kind.images else b"4",
            "form": b"slides" if kind.is_live_photo else b"note" if kind.images else b"video",
            "is_top": b"1" if kind.is_top else b"0",
            "is_ad": b"true" if kind.is_ad else b"false",
            "is_delete": b"true" if kind.is_delete else b"false",
            "is_prohibited": b"true" if kind.is_prohibited else b"false",
            "part_see": b"%d" % kind.part_see,
            "private_status": b"%d" % kind.private_status,
            "likes": b"%d" % likes,
            "comments": b"%d" % (likes // 20 + post.bumped),
            "collects": b"%d" % (likes // 9 + post.bumped),
            "shares": b"%d" % (likes // 13 + post.bumped),
            "admires": b"%d" % post.bumped,
            "slides_pair": _slides(is_gallery=bool(kind.images), is_live=kind.is_live_photo),
        }

    def _texts(self, post: Post) -> dict[str, bytes]:
        caption = post.caption or ""
        is_absent = post.caption is None and post.kind.caption == "absent"
        return {
            "desc": escaped(caption),
            "desc_pair": b"" if is_absent else absent_or("desc", post.caption),
            "caption": orjson.dumps(caption),
            "item_title": orjson.dumps(caption[:8] if post.index % 3 == 0 else ""),
            "text_extra": self._text_extra(caption, post.index),
        }

    def _text_extra(self, caption: str, index: int) -> bytes:
        found: list[dict[str, object]] = []
        for hit in _TAG.finditer(caption):
            place: dict[str, object] = {"start": hit.start(), "end": hit.end()}
            if hit[1] == "#":
                tag = {"type": 1, "hashtag_name": hit[2], "hashtag_id": digits(16, hit[2], "tag"), "is_commerce": False}
                found.append(place | tag | {"caption_start": 0, "caption_end": 0})
            else:
                who = CROWD + index % 500
                named = {"type": 0, "user_id": self.world.uid(who), "sec_uid": self.world.sec_user_id(who)}
                found.append(place | named)
        return orjson.dumps(found)

    def _mix_pair(self, post: Post) -> dict[str, bytes]:
        place = episode_of(post.index)
        if place is None:
            return {"mix_pair": b""}
        return {"mix_pair": b'"mix_info":' + self.mix_info(post.user, place[0], place[1]) + b","}

    def mix_info(self, user: int, which: int, episode: int = 0) -> bytes:
        """One of an account's two mixes; `episode` is that of the post that it stands beside."""
        mix_id = self.world.mix_id(user, which)
        created = int(mix_id) >> 32
        values = {
            "mix_id": mix_id.encode(),
            "mix_name": f"从零开始{('做木工', '学做饭')[which]}".encode(),
            "mix_desc": "每周一集".encode() if which == 0 else b"",
            "avatar": self._person(user)["avatar"],
            "mix_collects": b"%d" % (created % 5000),
            "episode": b"%d" % episode,
            "episodes": b"%d" % self.world.episodes(user, which),
            "mix_created": b"%d" % created,
            "mix_updated": b"%d" % (NEWEST_AT - 3600),
        }
        return mix_template().fill(values)

    def _music_pair(self, post: Post, person: dict[str, bytes], files: Files, music_id: bytes) -> bytes:
        if post.kind.music == "absent":
            return b""
        return b'"music":' + self._music(post, person, files, music_id) + b","

    def _music(self, post: Post, person: dict[str, bytes], files: Files, music_id: bytes) -> bytes:
        is_song, is_off = post.kind.music == "song", post.kind.music == "off"
        values = person | {
            "music_id": music_id,
            "music_title": _SONG if is_song else b"@" + person["nickname"] + "创作的原声".encode(),
            "music_author": _BAND if is_song else person["nickname"],
            "music_play": files.music_play(dead=is_off),
            "offline": _OFFLINE if is_off else b"",
            "seconds": b"%d" % max(1, files.duration_ms // 1000),
            "preview_start": b"12.5" if post.index % 7 == 0 else b"0",
        }
        return music_template("song" if is_song else "own").fill(values)

    def _video(self, post: Post, files: Files) -> list[bytes]:
        kind = post.kind
        if kind.images:
            return files.slideshow(files.music_play(dead=kind.music == "off"))
        if kind.play == "absent":
            return files.no_video()
        return files.video("odd" if kind.play == "odd_order" else str(kind.era))


def _music_id(seed: int) -> bytes:
    return b"%d" % (7 * 10**18 + seed % 10**17)


def escaped(text: str) -> bytes:
    """Text as it stands inside a JSON string."""
    return orjson.dumps(text)[1:-1]


def _slides(*, is_gallery: bool, is_live: bool) -> bytes:
    if not is_gallery:
        return b""
    return b'"is_multi_content":1,' + (b'"is_slides":true,"is_live_photo":1,' if is_live else b"")
