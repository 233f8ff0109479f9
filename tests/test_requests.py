"""What is sent to every endpoint, in order and as text."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas import requests as r

COMMON = list(r.BaseRequest.model_fields)


def test_common_parameters_come_first_and_their_own_after_them():
    names = list(r.UserPost(sec_user_id="x").wire())
    assert names == [*COMMON, "max_cursor", "count", "sec_user_id"]
    assert names[:4] == ["device_platform", "aid", "channel", "pc_client_type"]
    assert COMMON[-1] == "msToken"


def test_everything_travels_as_text():
    wire = r.UserPost(sec_user_id="x", max_cursor=1699231956000).wire()
    assert set(map(type, wire.values())) == {str}
    assert (wire["max_cursor"], wire["cookie_enabled"], wire["msToken"]) == ("1699231956000", "true", "")


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "true"), (False, "false"), (5, "5"), ({"a": [1]}, '{"a":[1]}'), ("中", "中")]
)
def test_a_value_is_written_as_the_web_page_writes_it(value, text):
    assert r.as_text(value) == text


def test_ids_may_be_given_as_numbers():
    assert r.PostDetail(aweme_id=7298145681699622182).aweme_id == "7298145681699622182"


def test_a_dict_becomes_json_where_douyin_wants_json():
    assert r.PostFeed(aweme_pc_rec_raw_data={}).aweme_pc_rec_raw_data == "{}"
    assert r.PostRelated(aweme_id="1", awemePcRecRawData={"is_client": "false"}).awemePcRecRawData == (
        '{"is_client":"false"}'
    )


def test_a_misspelt_parameter_is_refused():
    with pytest.raises(ValidationError):
        r.UserPost(sec_user_id="x", max_cusor=1)


def test_live_and_login_requests_have_tables_of_their_own():
    assert list(r.UserLive(web_rid="1").wire())[-2:] == ["web_rid", "room_id_str"]
    assert list(r.UserLive2(room_id="1").wire()) == [
        "verifyFp",
        "type_id",
        "live_id",
        "sec_user_id",
        "version_code",
        "app_id",
        "msToken",
        "room_id",
    ]
    assert list(r.LoginCheckQr(token="t").wire())[-3:] == ["token", "verifyFp", "fp"]
    assert r.LoginGetQr().service == "https://www.douyin.com"
