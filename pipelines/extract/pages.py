"""An answer of Douyin -> a Page, or the error that fits. No I/O here.

When it wants us to slow down, Douyin answers 200 with an empty body; it answers a wrong signature and a missing ttwid
the same way. So "no answer" is never read as "finished": a list ends only where a well-formed answer says has_more 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from pipelines.errors import ArchiveError, Interrupted, LoginExpired, NotFound, Unfamiliar, VerificationAsked
from pipelines.extract.endpoints import REFLOW, SSO, Endpoint
from pipelines.extract.paging import Answer, Entry, breaks_off, holds_anything, lists_objects, next_cursor, parse
from pipelines.extract.refusals import (
    by_filter_reason,
    by_prompt,
    by_status_code,
    refusal_of_html,
    refusal_of_http,
    refusal_of_status,
)
from schemas.pages import Page


def read(
    endpoint: Endpoint,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    target: str,
    cursor: str | None,
    fetched_at: datetime,
    page_id: str,
) -> Page:
    """What an answer says, as a Page; `headers` have lower-case names.

    Raises the error that fits an answer which is not what was asked for. Such an error has the answer as
    `facts["page"]`, with the error's name as outcome, and `http_status` beside what Douyin said of the reason.
    """
    page = Page(page_id, endpoint.name, target, cursor, fetched_at, status, body)
    refused = no_answer(status, headers, body, fetched_at)
    if refused is not None:
        raise attached(refused, page)
    try:
        answer = parse(endpoint, body)
        _refuse(answer, endpoint, page)
        return _listing_page(endpoint, answer, page) if endpoint.is_listing else _single_page(endpoint, answer, page)
    except (ValueError, TypeError) as error:
        raise attached(refusal_of_status(status, target) or _unread(endpoint, body, error), page) from error
    except ArchiveError as error:
        raise attached(error, page) from None


def _unread(endpoint: Endpoint, body: bytes, error: Exception) -> ArchiveError:
    if breaks_off(body):  # where no length was told, nothing else says so
        return Interrupted(f"Douyin's answer to {endpoint.name} broke off in the middle; try again")
    reason = f"Douyin's answer to {endpoint.name} cannot be read ({error}); it is kept raw, please report it"
    return Unfamiliar(reason[:400])


def no_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ArchiveError | None:
    """A refusal or a challenge in the place of an answer, whatever was asked; None where that is not so."""
    return refusal_of_http(status, headers, body, now) or refusal_of_html(status, headers, body)


def attached(error: ArchiveError, page: Page) -> ArchiveError:
    """The error with the answer that it was read from, so that failed answers are rows too."""
    error.facts["http_status"] = page.http_status
    error.facts["page"] = replace(page, outcome=type(error).__name__, error=str(error))
    return error


def _refuse(answer: Answer, endpoint: Endpoint, page: Page) -> None:
    if answer.text("verify_ticket") or answer.text("search_nil_info", "search_nil_type") == "verify_check":
        raise VerificationAsked(
            "Douyin asks for a verification; open douyin.com in a browser, solve it there, then bring a fresh cookie "
            "with `aweme login`"
        )
    code = answer.number("status_code") or answer.number("error_code")
    if endpoint.host == SSO:
        code = code or answer.number("data", "error_code")
    if code:
        raise by_status_code(code, _what_it_says(answer), target=page.target)
    refused = refusal_of_status(page.http_status, page.target)
    if refused is not None:
        raise refused
    if endpoint.host == SSO and answer.text("message") == "error":
        raise Unfamiliar(f"Douyin's login service says no: {_what_it_says(answer) or 'without a reason'}; try again")


def _what_it_says(answer: Answer) -> str:
    for path in (("status_msg",), ("data", "prompts"), ("data", "message"), ("description",), ("data", "description")):
        text = answer.text(*path).strip()
        if text:
            return text[:200]
    return ""


def _listing_page(endpoint: Endpoint, answer: Answer, page: Page) -> Page:
    entries = answer.entries(endpoint)
    more = answer.number("has_more")
    wall = bool(answer.number("not_login_module", "guide_login_tip_exist"))
    if more is None and not entries:
        if entries is None and (endpoint.has_wall or wall) and not lists_objects(page.body):
            raise LoginExpired(
                f"Douyin shows no more of {endpoint.name} without a login; log in with `aweme login`, then run again"
            )
        raise Unfamiliar(
            f"Douyin's answer to {endpoint.name} has neither items nor an end; it is kept raw, run again later"
        )
    found = entries or []
    return replace(
        _with_entries(page, found),
        next_cursor=next_cursor(endpoint, answer, found, page.target, page.cursor),
        has_more=None if more is None else bool(more),
        login_wall=wall,
    )


def _with_entries(page: Page, entries: list[Entry]) -> Page:
    return replace(
        page,
        item_count=len(entries),
        item_ids=tuple(entry.id for entry in entries if entry.id),
        unpinned_ids=tuple(entry.id for entry in entries if entry.id and not entry.is_pinned),
    )


def _single_page(endpoint: Endpoint, answer: Answer, page: Page) -> Page:
    if endpoint.items:
        return _list_without_pages(endpoint, answer, page)
    if not endpoint.subject:
        return page
    subject = answer.subject(endpoint)
    if subject is None or subject.id is None:
        raise _missing(endpoint, answer, page)
    hidden = answer.get("user_not_see") or answer.get(*endpoint.subject, "user_not_see")
    if hidden and not answer.text(*endpoint.subject, "nickname"):
        raise NotFound(f"Douyin does not show the account {page.target}; check the link in a browser")
    return _with_entries(page, [subject])


def _list_without_pages(endpoint: Endpoint, answer: Answer, page: Page) -> Page:
    entries = answer.entries(endpoint)
    said = answer.text("data", "prompts")
    if entries is None and said:
        raise by_prompt(said[:200], page.target)
    if entries is None and not holds_anything(page.body, endpoint.subject):
        if endpoint.has_wall:
            raise LoginExpired(f"Douyin answers {endpoint.name} only after a login; log in with `aweme login`")
        raise _missing(endpoint, answer, page)
    return _with_entries(page, entries or [])


def _missing(endpoint: Endpoint, answer: Answer, page: Page) -> ArchiveError:
    reason = answer.text("filter_detail", "filter_reason")
    if reason:
        words = {name: answer.text("filter_detail", name) for name in ("detail_msg", "notice")}
        return by_filter_reason(reason, page.target, **words)
    said = _what_it_says(answer) if endpoint.host == REFLOW else ""
    if said:
        return by_prompt(said, page.target)
    return Unfamiliar(
        f"Douyin's answer to {endpoint.name} lacks what was asked for, and gives no reason; it is kept raw. "
        "An anonymous or blocked session is answered like this: log in with `aweme login`, or run again later"
    )
