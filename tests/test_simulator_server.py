from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from visitor import Visitor

from deployments.simulator.addresses import Asset, video_url
from deployments.simulator.server import Simulator
from deployments.simulator.world import World


async def test_it_serves_all_hosts_on_one_port(simulator):
    async with Visitor(simulator.app, upstream=simulator.url) as visitor:
        page = await visitor.posts()
        assert len(page["aweme_list"]) == 21
        address = page["aweme_list"][0]["author"]["avatar_thumb"]["url_list"][0]
        assert (await visitor.send(address)).headers["content-type"] == "image/jpeg"
        assert (await visitor.send("https://v.douyin.com/x/")).status_code == 302
        assert (await visitor.client.get(simulator.url)).status_code == 404
    assert [record.host for record in simulator.log[:3]] == ["www.douyin.com", "p3-pc.douyinpic.com", "v.douyin.com"]


async def test_the_log_tells_what_was_asked_and_when(world):
    now = [1_795_000_000.0]
    async with Visitor(world, clock=lambda: now[0]) as visitor:
        await visitor.posts()
        now[0] += 2.5
        await visitor.ask("aweme/listcollection", method="POST", content=b'{"cursor":0}')
        first, second = visitor.app.log
    assert (first.operation, first.method, first.status, first.time) == ("user_post", "GET", 200, 1_795_000_000.0)
    assert "&X-Bogus=" in first.query
    assert first.headers["cookie"] == world.visitor_cookie
    assert second.time - first.time == 2.5
    assert (second.body, second.note) == (b'{"cursor":0}', "no sessionid of this world")
    assert second.ended is not None
    assert visitor.app.requests_to("user_post") == [first]


async def test_the_log_shows_how_many_requests_ran_at_once(world):
    async with Visitor(world, faults=("user_post:*=slow:0.05",)) as visitor:
        await asyncio.gather(*(visitor.posts() for _ in range(3)))
    starts = [record.time for record in visitor.app.log]
    ends = [record.ended for record in visitor.app.log]
    assert max(starts) < min(ends)


async def test_no_answer_waits_for_its_beginning_to_be_acknowledged(simulator):
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(simulator.url)
        connections = simulator._server.server_state.connections
        sockets = [one.transport.get_extra_info("socket") for one in list(connections)]
        assert sockets
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets)


def test_two_simulators_live_side_by_side_and_a_taken_port_is_said():
    with Simulator(World()) as one, Simulator(World(seed=2)) as two:
        assert one.url != two.url
        with pytest.raises(RuntimeError, match="choose another port"), Simulator(World(), port=one.port):
            pass
        assert httpx.get(one.url, trust_env=False).status_code == 404


def test_it_is_gone_after_the_block():
    with Simulator() as simulator:
        url = simulator.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


async def test_head_has_no_body_but_its_length(simulator):
    async with Visitor(simulator.app, upstream=simulator.url) as visitor:
        address = (await visitor.posts(1))["aweme_list"][0]["author"]["avatar_thumb"]["url_list"][0]
        head, got = await visitor.send(address, method="HEAD"), await visitor.send(address)
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(got.content)


async def test_head_of_a_file_of_untold_length_tells_none(simulator):
    async with Visitor(simulator.app, upstream=simulator.url) as visitor:
        odd = Asset("video", "mp4", 7, 50_000, mood="no_length")
        head = await visitor.send(video_url(odd, 2_000_000_000), method="HEAD")
    assert (head.status_code, head.headers.get("content-length")) == (200, None)
