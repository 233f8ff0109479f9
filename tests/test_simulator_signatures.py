from __future__ import annotations

import json

import pytest
from visitor import AGENT, COMMON, Visitor

from deployments.simulator.signatures import why_refused

# Input that early signers took for hex digits; no real query looks like that.
_HEX_TRAP = ("md5 hex of 32", "32 zero digits", "short lower-case hex")


def _vectors(shared, name):
    read = json.loads((shared / "protocol" / name).read_text())
    return read if isinstance(read, list) else read["vectors"]


def _x_bogus_cases(shared):
    vectors = _vectors(shared, "xbogus_vectors.json")
    real = [vector for vector in vectors if not vector["label"].startswith(_HEX_TRAP)]
    assert len(real) > 60
    return real


# The constant of the oldest signers is the hash of this very agent.
_OLD_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.0.0 Safari/537.36"
)


def _agent_of(vector):
    return vector["user_agent"] if vector["user_agent_is_input"] else _OLD_AGENT


def _signed(vector):
    return vector["input"].encode("latin-1") + b"&X-Bogus=" + vector["x_bogus"].encode()


def test_every_x_bogus_of_the_vectors_is_accepted(shared):
    for vector in _x_bogus_cases(shared):
        why = why_refused(_signed(vector), b"", "GET", _agent_of(vector), vector["unix_time"])
        assert why is None, (vector["label"], why)


def test_an_x_bogus_with_another_query_agent_or_clock_is_refused(shared):
    vector = next(v for v in _x_bogus_cases(shared) if "device_platform" in v["input"])
    agent, now = _agent_of(vector), vector["unix_time"]
    assert why_refused(b"a=1&" + _signed(vector), b"", "GET", agent, now) == "X-Bogus signs another query"
    assert "User-Agent" in why_refused(_signed(vector), b"", "GET", agent + "x", now)
    assert "too old" in why_refused(_signed(vector), b"", "GET", agent, now + 301)
    assert "too old" in why_refused(_signed(vector), b"", "GET", agent, now - 301)
    assert why_refused(_signed(vector), b"", "GET", agent, now + 299) is None
    assert why_refused(_signed(vector), b"", "GET", agent + "x", now + 301, strict=False) is None


@pytest.mark.parametrize("at", range(28))
def test_an_x_bogus_with_one_letter_changed_is_refused(at, shared):
    vector = next(v for v in _x_bogus_cases(shared) if "device_platform" in v["input"])
    value = vector["x_bogus"]
    changed = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
    query = vector["input"].encode() + b"&X-Bogus=" + changed.encode()
    assert why_refused(query, b"", "GET", _agent_of(vector), vector["unix_time"]) is not None


@pytest.mark.parametrize("value", [b"", b"short", b"=" * 28, b"D" * 28, b"%ff" * 28, b"DFSzswVu0IJANxXhtmWx-e9WX7jw"])
def test_made_up_values_are_refused_and_never_break_the_verifier(value):
    for name in (b"X-Bogus", b"a_bogus"):
        assert why_refused(b"aid=6383&x=" + b"y" * 40 + b"&" + name + b"=" + value, b"", "GET", AGENT, 1e9)


def test_every_a_bogus_of_the_vectors_is_accepted(shared):
    vectors = _vectors(shared, "abogus_vectors.json")
    assert len(vectors) >= 10
    for vector in vectors:
        query = vector["params"].encode() + b"&a_bogus=" + vector["a_bogus"].encode()
        body, method = (vector.get("body") or "").encode(), vector.get("method") or "GET"
        why = why_refused(query, body, method, vector["user_agent"], vector["start_ms"] / 1000)
        assert why is None, (vector["label"], why)


def test_an_a_bogus_with_another_query_agent_or_clock_is_refused(shared):
    vector = next(v for v in _vectors(shared, "abogus_vectors.json") if len(v["params"]) > 40)
    query = vector["params"].encode() + b"&a_bogus=" + vector["a_bogus"].encode()
    agent, now = vector["user_agent"], vector["start_ms"] / 1000
    body = (vector.get("body") or "").encode()
    assert "another query" in why_refused(b"a=1&" + query, body, "GET", agent, now)
    assert "User-Agent" in why_refused(query, body, "GET", agent + "x", now)
    assert "too old" in why_refused(query, body, "GET", agent, now + 400)


async def test_who_does_not_sign_gets_an_empty_body_and_the_log_says_why(world):
    async with Visitor(world) as visitor:
        visitor.signer = None
        answer = await visitor.ask("aweme/post", {"sec_user_id": world.sec_user_id(0)})
        assert (answer.status_code, answer.content) == (200, b"")
        assert visitor.app.log[-1].note == "no X-Bogus or a_bogus at the end of the query"


async def test_who_signs_for_another_agent_gets_an_empty_body_unless_the_world_is_lenient(world):
    async with Visitor(world) as visitor:
        url = f"https://www.douyin.com/aweme/v1/web/query/user/?{'&'.join(f'{k}={v}' for k, v in COMMON.items())}"
        query = url.partition("?")[2].replace("+", "%2B").replace("=&", "%3D&")
        name, value = visitor.signer.sign(query, b"", "GET", AGENT)
        signed = f"{url.partition('?')[0]}?{query}&{name}={value}"
        assert (await visitor.send(signed)).json()["id"]
        refused = await visitor.send(signed, headers={"User-Agent": "curl/8"})
        assert (refused.status_code, refused.content) == (200, b"")
        world.strict = False
        assert (await visitor.send(signed, headers={"User-Agent": "curl/8"})).json()["id"]
