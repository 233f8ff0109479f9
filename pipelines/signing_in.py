"""Where the cookie of a login is kept, and whose it is."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput, Unfamiliar

if TYPE_CHECKING:
    from pipelines.extract.crawler import DouyinCrawler


@dataclass(frozen=True, slots=True)
class Login:
    """What Douyin says of a cookie: whether it is a login that holds, and of which account.

    `nickname` is the account's name where the archive knows it.
    """

    holds: bool
    uid: str | None = None
    nickname: str | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"is_login": self.holds, "uid": self.uid, "nickname": self.nickname, "reason": self.reason}


def keep_cookie(path: Path, cookie: str) -> None:
    """Write a cookie to a file that only its owner can read, whole or not at all; BadInput where that cannot be."""
    text = cookie.strip() + "\n"
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The rights stand from the first byte on: nobody can open it in between.
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(
            f"The cookie cannot be written to {path} ({error.strerror}); name another file: cookie_file."
        ) from error


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may read a file; always so where the system has no such rights."""
    return os.name == "nt" or not path.stat().st_mode & 0o077


async def whose_login(crawler: DouyinCrawler) -> Login:
    """Ask Douyin whose cookie the crawler has. Raises what the request raises; a cookie without a login is not sent."""
    from pipelines.extract.questions import question
    from schemas.bodies import load_json

    if not crawler.has_login:
        return Login(holds=False, reason="there is no login in the cookie; make one with `aweme login`")
    page = await crawler.ask("query_user", question("query_user", ""))
    try:
        answer = load_json(page.body)
        kind, uid = int(answer.get("user_uid_type") or 0), str(answer.get("user_uid") or "")
    except (AttributeError, TypeError, ValueError) as error:
        raise Unfamiliar("Douyin's answer about the login cannot be read; try again later.") from error
    if kind == 0 or not uid:
        return Login(
            holds=False, reason="Douyin takes this cookie for a guest: the login is over; `aweme login` makes a new one"
        )
    return Login(holds=True, uid=uid)
