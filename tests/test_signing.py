"""Signatures: the vectors of the protocol notes, what a server would find in them, and the bytes on the wire."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import operator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from deployments.simulator.signatures import why_refused
from pipelines.errors import BadInput
from pipelines.extract.abogus import Occasion, a_bogus, make_fingerprint
from pipelines.extract.ciphers import rc4, sm3, sm3_own
from pipelines.extract.queries import encode_raw, with_parameter
from pipelines.extract.signing import (
    DEFAULT_USER_AGENT,
    ABogusSigner,
    NoSigner,
    Signer,
    XBogusManager,
    XBogusSigner,
    encode_query,
    signed_query,
    signer_from,
)
from schemas.requests import PostDetail, UserPost

PROTOCOL = Path(__file__).parents[2] / "shared" / "protocol"
CHROME_104 = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.0.0 Safari/537.36"
)
X_LETTERS = "Dkdpgh4ZKsQB80/Mfvw36XI1R25-WUAlEi7NLboqYTOPuzmFjJnryx9HVGcaStCe"
A_LETTERS = "Dkdpgh2ZmsQB80/MfvV36XI1R45-WUAlEixNLwoqYTOPuzKFjJnry79HbGcaStCe"
STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
A_ORDER = (
    "18 20 52 26 30 34 58 38 40 53 42 21 27 54 55 31 35 57 39 41 43 22 "
    "28 32 60 36 23 29 33 37 44 45 59 46 47 48 49 50 24 25 65 66 70 71"
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def vectors(name: str) -> list[dict[str, Any]]:
    path = PROTOCOL / name
    if not path.exists():
        pytest.skip(f"{name} lies in the shared folder, which is not here")
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


def decoded(value: str, letters: str) -> bytes:
    return base64.b64decode(value.translate(str.maketrans(letters, STANDARD)))


def at(seconds: float):
    return lambda: seconds


def real_query() -> str:
    params = UserPost(sec_user_id="MS4wLjABAAAA" + "a" * 43, msToken="m" * 126 + "==")
    return encode_query(params.wire())


# X-Bogus


def test_every_x_bogus_vector_is_reproduced():
    for vector in vectors("xbogus_vectors.json"):
        signer = XBogusSigner(vector["variant"], now=at(vector["unix_time"]), short_hex_as_bytes=True)
        assert signer.sign(vector["input"], user_agent=vector["user_agent"]) == ("X-Bogus", vector["x_bogus"]), vector


def test_outside_of_comparisons_short_hex_is_signed_as_the_text_that_it_is():
    plain, as_f2 = XBogusSigner(now=at(0)), XBogusSigner(now=at(0), short_hex_as_bytes=True)
    assert plain.sign("00ff") != as_f2.sign("00ff")
    assert plain.sign("00fg") == as_f2.sign("00fg")
    carried = rc4(b"\xff", decoded(plain.sign("00ff")[1], X_LETTERS)[2:])
    assert carried[4:6] == hashlib.md5(hashlib.md5(b"00ff").digest()).digest()[14:]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("f2-0.0.1.4", "DFSzswVu0IJANxXhtmWx-e9WX7jw"),
        ("f2-head-ua", "DFSzswVY0IJANHT3tmWx-e9WX7jF"),
        ("douk-ua-k8", "DFSzswVu0IJANxXhtmWx-rzDOl8Y"),
    ],
)
def test_the_worked_examples_come_out(variant: str, expected: str):
    assert XBogusSigner(variant, now=at(1_700_000_000)).sign("", user_agent=CHROME_104)[1] == expected


def test_the_clock_wraps_at_32_bits_and_loses_its_fraction():
    sign = [XBogusSigner(now=at(t)).sign("aid=6383") for t in (5, 4294967301, 5.999)]
    assert len(set(sign)) == 1


@given(query=st.text(st.characters(max_codepoint=255), max_size=200), agent=st.text(st.characters(max_codepoint=255)))
def test_a_server_finds_query_agent_clock_and_checksum_in_x_bogus(query: str, agent: str):
    value = XBogusSigner(now=at(1_700_000_000)).sign(query, user_agent=agent)[1]
    raw = decoded(value, X_LETTERS)
    assert (len(value), raw[:2]) == (28, b"\x02\xff")
    carried = rc4(b"\xff", raw[2:])
    assert carried[:4] == bytes.fromhex("4000010C")
    assert carried[18] == functools.reduce(operator.xor, carried[:18])
    assert carried[4:6] == hashlib.md5(hashlib.md5(query.encode("latin-1")).digest()).digest()[14:]
    agent_text = base64.b64encode(rc4(b"\x00\x01\x0c", (agent or DEFAULT_USER_AGENT).encode("latin-1")))
    assert carried[8:10] == hashlib.md5(agent_text).digest()[14:]
    assert carried[10:14] == (1_700_000_000).to_bytes(4, "big")


def test_what_cannot_be_signed_is_said_and_not_signed_wrongly():
    with pytest.raises(BadInput, match="encode_query"):
        XBogusSigner(now=at(0)).sign("keyword=抖音")
    with pytest.raises(BadInput, match="User-Agent"):
        XBogusSigner(now=at(0)).sign("a=1", user_agent="抖音")
    with pytest.raises(BadInput, match="f2-head-ua"):
        XBogusSigner("newest", now=at(0))


# a_bogus


def test_every_a_bogus_vector_is_reproduced():
    for vector in vectors("abogus_vectors.json"):
        made = a_bogus(
            vector["params"],
            vector.get("body", vector.get("method")),
            vector["user_agent"],
            Occasion(vector["start_ms"], vector["end_ms"], tuple(vector["random_ints"])),
            fingerprint=vector["browser_fp"],
            options=tuple(vector.get("options", (0, 1, 14))),
            variant=vector["variant"],
        )
        assert made == vector["a_bogus"], vector["label"]


def test_a_signer_with_the_vectors_clock_and_dice_gives_the_vectors():
    for vector in vectors("abogus_vectors.json"):
        times = iter((vector["start_ms"] / 1000, vector["end_ms"] / 1000))
        dice = [(number + 0.5) / 10000 for number in vector["random_ints"]]
        dice.append((vector["end_ms"] - vector["start_ms"] - 4 + 0.5) / 5)
        draws = iter(dice)
        signer = ABogusSigner(
            vector["variant"],
            now=lambda times=times: next(times),
            rng=lambda draws=draws: next(draws),
            fingerprint=vector["browser_fp"],
            options=tuple(vector.get("options", (0, 1, 14))),
        )
        made = signer.sign(
            vector["params"], vector.get("body", ""), vector.get("method", "GET"), user_agent=vector["user_agent"]
        )
        assert made == ("a_bogus", vector["a_bogus"]), vector["label"]


def test_a_second_signature_of_the_same_signer_is_as_good_as_the_first():
    signer = ABogusSigner(now=at(1_700_000_000), rng=at(0.5))
    assert signer.sign("a=1") == signer.sign("a=1")


@pytest.mark.parametrize("variant", ["f2-head-1.0.1.0", "douk-5.8"])
@given(query=text, dice=st.lists(st.floats(0, 1, exclude_max=True), min_size=1))
def test_a_server_finds_its_layout_in_a_bogus(variant: str, query: str, dice: list[float]):
    thrown = iter(dice * 30)
    signer = ABogusSigner(variant, now=at(1_742_112_685), rng=lambda: next(thrown))
    carried = rc4(b"y", decoded(signer.sign(query, b"", "GET", CHROME_104)[1], A_LETTERS)[12:])
    head, fingerprint, xored = carried[:44], carried[44:-1], carried[-1]
    place = dict(zip(map(int, A_ORDER.split()), head, strict=True))
    assert (place[18], place[48], place[65]) == (44, 3, len(fingerprint))
    assert [place[n] for n in (57, 58, 59, 60)] == [0xEF, 0x18, 0, 0]
    assert xored == functools.reduce(operator.xor, head)
    assert len(fingerprint.split(b"|")) == 17
    hashed = sm3(sm3(query.encode() + b"cus"))
    assert (place[38], place[39]) == (hashed[21], hashed[22])
    second = sm3(sm3((b"GET" if variant == "douk-5.8" else b"") + b"cus"))
    assert (place[40], place[41]) == (second[21], second[22])
    clocks = [int.from_bytes(bytes(place[n] for n in numbers), "big") for numbers in (range(20, 24), range(44, 48))]
    assert 0 <= max(clocks) - (1_742_112_685_000 & 0xFFFFFFFF) <= 8
    assert min(clocks) == 1_742_112_685_000 & 0xFFFFFFFF


def test_fingerprints_describe_a_window_that_contains_its_page():
    for dice in (0.0, 0.3, 0.999):
        fields = make_fingerprint(at(dice)).split("|")
        inner_w, inner_h, outer_w, outer_h = map(int, fields[:4])
        assert inner_w < outer_w
        assert inner_h < outer_h
        assert fields[-1] == "Win32"


def test_an_unknown_a_bogus_variant_is_refused():
    with pytest.raises(BadInput, match="douk-5"):
        ABogusSigner("1.0.1.19", now=at(0), rng=at(0))


# SM3


def test_sm3_gives_the_digest_of_the_standard():
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abc").hex() == expected
    assert sm3_own(b"abc").hex() == expected
    assert sm3_own(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


@given(st.binary(max_size=300))
def test_both_ways_to_sm3_agree(data: bytes):
    assert sm3(data) == sm3_own(data)


# Queries on the wire


@given(st.dictionaries(text.filter(bool), text, min_size=1, max_size=8))
def test_an_encoded_query_says_what_it_was_made_of_and_httpx_leaves_it_alone(params: dict[str, str]):
    query = encode_query(params)
    assert dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) == params
    assert list(dict(parse_qsl(query, keep_blank_values=True))) == list(params)
    assert httpx.URL(f"https://www.douyin.com/x/?{query}").query == query.encode("ascii")


@given(text)
def test_a_query_of_somebody_else_is_mended_once_and_then_left_alone(query: str):
    mended = encode_raw(query)
    assert encode_raw(mended) == mended
    if "#" not in query:
        assert httpx.URL("https://www.douyin.com/x/?" + mended).query == mended.encode("ascii")


def test_values_are_written_as_douyin_writes_them():
    params = {"a": True, "b": None, "c": {}, "d": 7, "e": "x+y=z/ü&", "f": ["1", "2"]}
    assert encode_query(params) == ("a=true&b=&c=%7B%7D&d=7&e=x%2By%3Dz%2F%C3%BC%26&f=%5B%221%22%2C%222%22%5D")


def test_the_signature_stands_last_and_covers_all_that_stands_before_it():
    signer = XBogusSigner(now=at(1_700_000_000))
    query = real_query()
    signed = signed_query(signer, query, user_agent=CHROME_104)
    before, _, value = signed.rpartition("&X-Bogus=")
    assert before == query
    assert value == signer.sign(query, user_agent=CHROME_104)[1]
    assert httpx.URL("https://www.douyin.com/x/?" + signed).query == signed.encode("ascii")
    assert signed_query(NoSigner(), query) == query
    assert with_parameter("", "a_bogus", "A+/=") == "a_bogus=A%2B/="


@pytest.mark.parametrize("name", ["xbogus", "xbogus:douk-ua-k8", "abogus", "abogus:douk-5.8"])
@pytest.mark.parametrize(("body", "method"), [(b"", "GET"), (b'{"cursor":0}', "POST")])
def test_the_made_up_douyin_accepts_every_built_in_signer(name: str, body: bytes, method: str):
    signer = signer_from(name, now=at(1_700_000_000), rng=at(0.4))
    signed = signed_query(signer, real_query(), body, method, CHROME_104).encode("ascii")
    assert why_refused(signed, body, method, CHROME_104, 1_700_000_000) is None
    assert why_refused(signed.replace(b"count=", b"count=9"), body, method, CHROME_104, 1_700_000_000) is not None
    assert why_refused(signed, body, method, "Agent/1.0", 1_700_000_000) is not None
    assert why_refused(signed, body, method, CHROME_104, 1_700_001_000) is not None


# The signer of the settings


class OwnSigner:
    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        return "own", f"{method}:{len(query)}:{len(body)}:{len(user_agent)}"


class BrokenSigner:
    def sign(self, *_args: Any) -> str:
        return "own"


class Unsigned:
    pass


own = OwnSigner()


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("xbogus", "X-Bogus"),
        ("xbogus:douk-ua-k8", "X-Bogus"),
        ("abogus", "a_bogus"),
        ("abogus:douk-5.8", "a_bogus"),
        ("none", ""),
        (f"{__name__}:OwnSigner", "own"),
        (f"{__name__}:own", "own"),
    ],
)
def test_settings_choose_the_signer_by_name(name: str, parameter: str):
    signer = signer_from(name, now=at(1_700_000_000), rng=at(0.5))
    assert isinstance(signer, Signer)
    assert signer.sign("a=1", user_agent=CHROME_104)[0] == parameter


NO_SIGNERS = "|:|xbogos|xbogus:newest|abogus:newest|none:x|no.such.module:x|{0}:missing|{0}:Unsigned|{0}:"


@pytest.mark.parametrize("name", NO_SIGNERS.format(__name__).split("|"))
def test_a_signer_that_cannot_be_had_is_said_before_anything_is_sent(name: str):
    with pytest.raises(BadInput):
        signer_from(name, now=at(0), rng=at(0))


def test_a_signer_of_the_user_that_answers_nonsense_is_found_out():
    with pytest.raises(BadInput, match="gave str"):
        signer_from(f"{__name__}:BrokenSigner", now=at(0), rng=at(0)).sign("a=1")


# XBogusManager


def check(url: str, user_agent: str = DEFAULT_USER_AGENT, seconds: int = 1_700_000_000) -> str:
    """The query that the address's signature covers, which must be all that stands before it."""
    query, _, value = urlsplit(url).query.rpartition("X-Bogus=")
    query = query.removesuffix("&")
    assert value == XBogusSigner(now=at(seconds)).sign(query, user_agent=user_agent)[1]
    return query


def test_to_complete_endpoint_signs_the_encoded_query():
    url = XBogusManager.to_complete_endpoint(
        "https://www.douyin.com/x/", {"a": "抖音", "b": "1+1"}, now=at(1_700_000_000)
    )
    assert url.startswith("https://www.douyin.com/x/?a=%E6%8A%96%E9%9F%B3&b=1%2B1&X-Bogus=")
    assert check(url) == "a=%E6%8A%96%E9%9F%B3&b=1%2B1"
    assert str(httpx.URL(url)) == url


def test_to_complete_endpoint_takes_no_clock_and_no_agent_where_none_is_given():
    assert "&X-Bogus=DFSzswVY" in XBogusManager.to_complete_endpoint("https://www.douyin.com/x/", {"a": 1})


def test_a_query_that_the_address_has_is_signed_too():
    url = XBogusManager.to_complete_endpoint("https://www.douyin.com/x/?z=1 2#top", {"a": 1}, now=at(1_700_000_000))
    assert check(url) == "z=1%202&a=1"
    bare = XBogusManager.to_complete_endpoint("https://www.douyin.com/x/", {}, now=at(1_700_000_000))
    assert check(bare) == ""


def test_request_models_are_taken_in_the_order_of_their_fields():
    model = PostDetail(aweme_id="7298145681699622182")
    url = XBogusManager.to_complete_endpoint("https://www.douyin.com/x/", model, now=at(1_700_000_000))
    assert check(url) == encode_query(model.wire())


@pytest.mark.parametrize("params", ["a=1", None, ["a"], 7, PostDetail, BaseModel])
def test_params_of_another_type_are_a_type_error(params: Any):
    with pytest.raises(TypeError, match="dict"):
        XBogusManager.to_complete_endpoint("https://www.douyin.com/x/", params)


@pytest.mark.parametrize("wrong", [None, 5, b"https://a.test/", ["https://a.test/"]])
def test_an_address_that_is_no_text_is_said_to_be_none(wrong: Any) -> None:
    for sign in (lambda: XBogusManager.to_complete_endpoint(wrong, {}), lambda: XBogusManager.str_2_endpoint(wrong)):
        with pytest.raises(TypeError, match="the address must be a str"):
            sign()


def test_model_2_endpoint_is_the_same_under_both_of_its_call_styles():
    base, params = "https://www.douyin.com/x/", {"a": 1}
    for url, agent in (
        (XBogusManager.model_2_endpoint(base, params), DEFAULT_USER_AGENT),
        (XBogusManager.model_2_endpoint("Agent/1.0", base, params), "Agent/1.0"),
        (XBogusManager.model_2_endpoint(base_endpoint=base, params=params, user_agent="Agent/1.0"), "Agent/1.0"),
    ):
        carried = rc4(b"\xff", decoded(url.rpartition("=")[2], X_LETTERS)[2:])
        hashed = hashlib.md5(base64.b64encode(rc4(b"\x00\x01\x0c", agent.encode()))).digest()
        assert carried[8:10] == hashed[14:]


@pytest.mark.parametrize(
    ("endpoint", "start", "covered"),
    [
        ("a=1&b=%E6 x", "a=1&b=%E6%20x&X-Bogus=", "a=1&b=%E6%20x"),
        ("https://www.douyin.com/x/?a=1", "https://www.douyin.com/x/?a=1&X-Bogus=", "a=1"),
        ("https://www.douyin.com/x/", "https://www.douyin.com/x/?X-Bogus=", ""),
    ],
)
def test_str_2_endpoint_signs_the_query_and_not_the_address_before_it(endpoint: str, start: str, covered: str):
    made = XBogusManager.str_2_endpoint(endpoint, now=at(1_700_000_000))
    assert made.startswith(start)
    assert check(made if "://" in made else f"https://x/?{made}") == covered
