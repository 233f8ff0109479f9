"""What a fault looks like on the wire: an answer of its own, or one that was spoilt. No I/O here."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable

import orjson

from deployments.simulator.faults import Fault
from deployments.simulator.http import Body, Request, Response, empty, json_response, text_response

CAPTCHA = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'><title>验证码中间页</title></head><body>"
    + "<div class='captcha-box' data-made-up='1'></div>" * 120
    + "</body></html>"
)
ACRAWLER = (
    "<html><head><script>window.byted_acrawler=function(){};var _$jsvmprt=function(a,b,c){};"
    "document.cookie='__ac_signature=_02B4Z6wo00f01made-up';location.reload();</script></head><body></body></html>"
)
DENIED = "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>"
HTML_PAGE = "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
_OWN = (".douyin.com", ".amemv.com", ".iesdouyin.com")  # the others keep files, or give tokens
_LISTS = ("aweme_list", "comments", "data", "followings", "followers", "collects_list", "mc_list", "mix_infos")
_SAID = {
    8: "用户未登录",
    4: "服务器繁忙，请稍后再试",
    5: "参数不合法",
    2065: "用户不存在",
    2096: "由于对方隐私设置，无法查看",
    2483: "登录后查看更多搜索结果",
    10011: "Request params error",
    30003: "room has finished",
}


class BrokenConnectionError(Exception):
    """The connection breaks here; raised out of a body, and nobody is to catch it before the server."""


def answer(fault: Fault, request: Request) -> Response | None:
    """The answer that a fault gives by itself; None for faults that spoil the real one."""
    if fault.kind.isdecimal():
        return _status(fault)
    make = _ANSWERS.get(fault.kind)
    return make(fault, request) if make else None


def spoil(fault: Fault, response: Response) -> Response:
    """The real answer, spoilt as the fault says; `slow` is waited for by the app."""
    if fault.kind == "reset":
        return Response(response.status, _with_length(response), _half(response.body, breaks=True))
    if fault.kind == "truncated":
        return Response(response.status, _with_length(response), _half(response.body, breaks=False))
    if fault.kind == "wrong_encoding":
        return Response(response.status, (*response.headers, ("content-encoding", "gzip")), response.body)
    if fault.kind == "login_wall":
        return _changed(response, not_login_module={"guide_login_tip_exist": True})
    if fault.kind == "shift":
        return _changed(response, is_empty=True)
    return response


def fault_for(faults: Iterable[Fault], operation: str, number: int) -> Fault | None:
    """The fault meant for the request of that number of an operation; the first of the list wins.

    Behind a login wall everything stays bare.
    """
    for fault in faults:
        if fault.hits(operation, number):
            return fault
        is_behind = fault.kind == "login_wall" and fault.last is not None and number > fault.last
        if is_behind and fault.operation in ("*", operation):
            return Fault(operation, number, number, "no_list")
    return None


def _status(fault: Fault) -> Response:
    headers = (("retry-after", fault.retry_after),) if fault.retry_after else ()
    if fault.kind == "201":
        return json_response({"status_code": 0}, 201)
    body = "<html><body>made-up error</body></html>" if fault.has_body else ""
    return Response(int(fault.kind), (*headers, ("content-type", "text/html; charset=utf-8")), body.encode())


def _coded(fault: Fault, _: Request) -> Response:
    code = int(fault.argument)
    return json_response({"status_code": code, "status_msg": _SAID.get(code, "")})


def _filtered(fault: Fault, request: Request) -> Response:
    return json_response(gone_detail(request.params.get("aweme_id", ""), fault.argument))


def gone_detail(aweme_id: str, reason: str) -> dict[str, object]:
    """The detail of a post that is not to be had; abroad the texts are empty and the post is not even null."""
    abroad = reason in ("copyright_foreign", "copyright_geo_filter", "cross_border_violation")
    said = ("", "") if abroad else ("因作品权限或已被删除，无法观看，去看看其他作品吧", "抱歉，作品不见了")
    detail = {"aweme_id": aweme_id, "filter_reason": reason, "detail_msg": said[0], "notice": said[1], "icon": ""}
    start: dict[str, object] = {} if abroad else {"aweme_detail": None}
    return start | {"filter_detail": detail, "log_pb": {"impr_id": "202611230000000A"}, "status_code": 0}


def _bdturing(_: Fault, __: Request) -> Response:
    asked = b64encode(orjson.dumps({"code": "10000", "type": "verify", "subtype": "slide", "detail": "made-up"}))
    return Response(200, (("x-vc-bdturing-parameters", asked.decode()),))


def _acrawler(_: Fault, __: Request) -> Response:
    page = text_response(ACRAWLER)
    return Response(
        200, (*page.headers, ("set-cookie", "__ac_nonce=0691c5e2a00a1b2c3; Path=/; Max-Age=1800")), page.body
    )


def _argus(fault: Fault, _: Request) -> Response:
    said = f"Blocked by ArgusSecurityPlugin {fault.argument.replace('_', ' ').title()}"
    return Response(403, (("content-type", "text/plain"), ("argus_security_code", "1")), said.encode())


_ANSWERS: dict[str, Callable[[Fault, Request], Response]] = {
    "empty": lambda _, __: empty(),
    "blank": lambda _, __: Response(200, (("content-type", "application/json"),), b" \n\t "),
    "captcha": lambda _, __: text_response(CAPTCHA),
    "html": lambda _, request: text_response(CAPTCHA if request.host.endswith(_OWN) else HTML_PAGE),
    "acrawler": _acrawler,
    "access_denied": lambda _, __: text_response(DENIED, 444),
    "argus": _argus,
    "broken_json": lambda _, __: json_response(b'{"status_code":0,"aweme_list":[{"aweme_id":"7'),
    "json_null": lambda _, __: json_response(None),
    "json_list": lambda _, __: json_response([]),
    "status_code": _coded,
    "no_list": lambda _, __: json_response({"status_code": 0}),
    "bdturing": _bdturing,
    "bdturing_verify": lambda _, __: Response(200, (("bdturing-verify", '{"subtype":"slide"}'),)),
    "passport_decision": lambda _, __: Response(200, (("x-tt-verify-passport-decision", "slide"),)),
    "throughput_abort": lambda _, __: Response(200, (("x-whale-throughput-abort-data", "1"),)),
    "verify_ticket": lambda _, __: json_response({"status_code": 0, "verify_ticket": "made-up", "aweme_list": []}),
    "verify_check": lambda _, __: json_response(
        {"status_code": 0, "aweme_list": [], "search_nil_info": {"search_nil_type": "verify_check"}, "has_more": 0}
    ),
    "filter_reason": _filtered,
}


def _changed(response: Response, *, is_empty: bool = False, **fields: object) -> Response:
    """A page that says that there is more, whatever its list is called, and is empty if asked for."""
    if not isinstance(response.body, bytes) or not response.body.startswith(b"{"):
        return response
    told = orjson.loads(response.body)
    more = {"has_more": isinstance(told.get("has_more"), bool) or 1}
    nothing: dict[str, list[object]] = {name: [] for name in _LISTS if is_empty and isinstance(told.get(name), list)}
    return json_response(told | fields | more | nothing, response.status)


def _with_length(response: Response) -> tuple[tuple[str, str], ...]:
    known = any(name == "content-length" for name, _ in response.headers)
    size = len(response.body) if isinstance(response.body, bytes) else None
    return response.headers if known or size is None else (*response.headers, ("content-length", str(size)))


async def _half(body: Body, *, breaks: bool) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body[: len(body) // 2]
    else:
        async for chunk in body:
            yield chunk[: max(1, len(chunk) // 2)]
            break
    if breaks:
        raise BrokenConnectionError
