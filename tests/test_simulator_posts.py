from __future__ import annotations

import orjson
import pytest
from visitor import Visitor

from deployments.simulator.kinds import SHOWCASE
from deployments.simulator.render import Renderer
from deployments.simulator.world import World

NOW = 1_795_000_000


@pytest.fixture
def shown(world):
    """Every post of the first account as lists tell it, by the name of its kind."""
    render = Renderer(world, NOW)
    return {kind.name: orjson.loads(render.post(_of(world, kind))) for kind in SHOWCASE}


def _of(world, kind):
    return world.post(0, 60 - 1 - SHOWCASE.index(kind))


def _urls(holder):
    return holder["url_list"]


def test_packs_of_each_era_have_the_keys_of_their_time(shown):
    old, fat, slim = shown["plain_2023"], shown["no_range"], shown["plain_2026"]
    assert len(old["author"]) >= 130
    assert 115 <= len(fat["author"]) <= 126
    assert len(slim["author"]) < 80
    assert "media_type" not in old
    assert "caption" not in old
    assert fat["media_type"] == 4
    assert {"short_id", "unique_id", "signature"} <= set(old["author"])
    assert not {"short_id", "unique_id", "follower_count"} & set(slim["author"])
    assert "format" not in old["video"]["bit_rate"][0]
    assert "download_addr" in old["video"]
    assert "download_addr" not in fat["video"]
    assert "is_ads" in slim
    assert "is_ads" not in fat
    assert "aweme_id" in old["statistics"]
    assert "aweme_id" not in fat["statistics"]


def test_bit_rates_mix_mp4_and_dash_and_one_codec_that_nobody_decodes(shown):
    rungs = shown["plain_2026"]["video"]["bit_rate"]
    assert {rung["format"] for rung in rungs} == {"mp4", "dash"}
    assert 2 in {rung["is_h265"] for rung in rungs}
    assert all("file_cs" not in rung["play_addr"] for rung in rungs if rung["format"] == "dash")
    assert shown["plain_2026"]["video"]["bit_rate_audio"][0]["audio_meta"]["url_list"]["main_url"]
    rates = [rung["bit_rate"] for rung in shown["odd_bit_rates"]["video"]["bit_rate"]]
    assert rates != sorted(rates, reverse=True)
    for name in ("plain_2023", "plain_2026", "no_range"):
        rates = [rung["bit_rate"] for rung in shown[name]["video"]["bit_rate"]]
        assert rates == sorted(rates, reverse=True)


def test_galleries_play_their_music_and_live_photos_move(shown):
    gallery = shown["gallery"]
    assert gallery["aweme_type"] == 68
    assert gallery["video"]["bit_rate"] == []
    assert gallery["video"]["play_addr"] == gallery["music"]["play_url"]
    assert (gallery["duration"], gallery["is_multi_content"], len(gallery["images"])) == (0, 1, 4)
    assert all("video" not in image for image in gallery["images"])
    live = shown["live_photos"]
    assert live["media_type"] == 42
    assert [("video" in image, image["clip_type"]) for image in live["images"]] == [(True, 5), (True, 5), (False, 2)]
    assert len(shown["one_picture"]["images"]) == 1
    assert shown["plain_2026"]["images"] is None


def test_what_is_missing_is_spelled_in_different_ways(shown):
    assert "music" not in shown["no_music"]
    assert _urls(shown["music_off"]["music"]["play_url"]) == []
    assert shown["music_off"]["music"]["offline_desc"]
    assert _urls(shown["no_play_address"]["video"]["play_addr"]) == []
    assert shown["null_caption"]["desc"] is None
    assert shown["empty_caption"]["desc"] == ""
    assert "desc" not in shown["absent_caption"]
    assert shown["no_author"]["author"] is None
    assert "owner_id" not in shown["catalogue_song"]["music"]


def test_states_are_told_in_status(shown):
    assert shown["prohibited"]["status"]["is_prohibited"] is True
    assert shown["private"]["status"]["private_status"] == 1
    assert shown["friends_only"]["status"]["private_status"] == 2
    assert shown["part_see"]["status"]["part_see"] == 1
    assert shown["deleted_but_shown"]["status"]["is_delete"] is True
    assert shown["ad"]["is_ads"] is True


def test_the_wild_caption_has_everything_that_file_names_choke_on(shown):
    wild = shown["wild_caption"]["desc"]
    assert len(wild) > 200
    assert all(letter in wild for letter in '/\\:*?"<>|\n\t')
    assert wild.endswith(".")


def test_ids_are_numbers_beyond_2_to_the_53_where_douyin_writes_numbers(shown):
    for post in shown.values():
        assert post["comment_gid"] == int(post["aweme_id"]) > 2**53
    assert any(post["group_id"] != post["aweme_id"] for post in shown.values())
    world = World()
    post = orjson.loads(Renderer(world, NOW).post(world.post(2, 0)))
    assert post["author_user_id"] == int(world.uid(2)) > 2**53


def test_mix_members_name_their_mix_and_episode(world):
    render = Renderer(world, NOW)
    third = orjson.loads(render.post(world.post(1, 23)))["mix_info"]
    assert third["mix_id"] == world.mix_id(1, 0)
    assert third["statis"]["current_episode"] == 3
    assert third["statis"]["updated_to_episode"] == world.episodes(1, 0) == 6
    assert "mix_info" not in orjson.loads(render.post(world.post(1, 24)))


def test_tags_and_mentions_stand_where_they_say(world):
    render = Renderer(world, NOW)
    kinds = set()
    for index in range(40):
        post = orjson.loads(render.post(world.post(1, index)))
        for extra in post["text_extra"]:
            said = post["desc"][extra["start"] : extra["end"]]
            kinds.add(extra["type"])
            assert said == f"#{extra['hashtag_name']}" if extra["type"] == 1 else said.startswith("@")
    assert kinds == {0, 1}


def test_full_size_posts_are_about_as_large_as_douyins():
    world = World(posts=[5_000])
    render = Renderer(world, NOW)
    posts = [world.post(0, index) for index in range(300, 400)]
    sizes = [len(render.post(post)) for post in posts if not post.kind.images]
    assert 44_000 < sum(sizes) / len(sizes) < 58_000


@pytest.mark.parametrize("pack", ["post", "detail", "favorite", "feed"])
def test_every_kind_is_json_in_every_pack(pack, world):
    render = Renderer(world, NOW)
    for kind in SHOWCASE:
        post = orjson.loads(render.post(_of(world, kind), pack))
        assert post["aweme_id"] == _of(world, kind).aweme_id
        assert post["create_time"] == _of(world, kind).created_at


async def test_data_sizes_are_what_the_media_hosts_serve(world):
    async with Visitor(world, clock=lambda: NOW) as visitor:
        for page in (await visitor.posts(), await visitor.posts(1)):
            for post in page["aweme_list"][:12]:
                for rung in post["video"]["bit_rate"][:4]:
                    last = _urls(rung["play_addr"])[1]
                    got = await visitor.client.get(last)
                    assert (got.status_code, len(got.content)) == (200, rung["play_addr"]["data_size"])
                    stable = await visitor.client.get(_urls(rung["play_addr"])[2], follow_redirects=True)
                    assert stable.content == got.content


async def test_first_addresses_misbehave_as_their_kind_says_and_the_second_is_good(world):
    async with Visitor(world, clock=lambda: NOW) as visitor:
        for name, status in (("dead_first_link", 404), ("html_first_link", 200)):
            kind = next(kind for kind in SHOWCASE if kind.name == name)
            first, second, _ = _urls(orjson.loads(Renderer(world, NOW).post(_of(world, kind)))["video"]["play_addr"])
            bad, good = await visitor.client.get(first), await visitor.client.get(second)
            assert bad.status_code == status
            assert bad.content[4:8] != b"ftyp"
            assert good.content[4:8] == b"ftyp"


async def test_addresses_expire_after_three_hours_and_a_detail_brings_new_ones(world):
    now = [float(NOW)]
    async with Visitor(world, clock=lambda: now[0]) as visitor:
        post = next(post for post in (await visitor.posts(1))["aweme_list"] if not post["images"])
        address = _urls(post["video"]["play_addr"])[0]
        assert (await visitor.client.get(address)).status_code == 200
        now[0] += 3 * 3600 + 1
        assert (await visitor.client.get(address)).status_code == 403
        detail = (await visitor.ask("aweme/detail", {"aweme_id": post["aweme_id"]})).json()["aweme_detail"]
        fresh = _urls(detail["video"]["play_addr"])[0]
        assert fresh != address
        assert (await visitor.client.get(fresh)).status_code == 200
        assert detail["video"]["play_addr"]["uri"] == post["video"]["play_addr"]["uri"]
