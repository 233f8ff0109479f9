"""Answers that show accounts: profiles, following and follower lists. No I/O here."""

from __future__ import annotations

from pipelines.transform.answers import Shape
from pipelines.transform.checks import add_rejects
from pipelines.transform.picks import User
from pipelines.transform.rows import Batch
from pipelines.transform.users import Profile, add_follow, add_profile
from schemas.pages import GONE, Page

_PROFILE = Shape(Profile, ("user",), single=True)
_LISTS = {
    "following": ("following", Shape(User, ("followings",))),
    "followers": ("follower", Shape(User, ("followers",))),
}


def add_profiles(batch: Batch, page: Page, number: int) -> None:
    """The rows of a profile, or the word that its owner closed the account."""
    if page.outcome in GONE:
        closed = any(user.user_canceled for _, user in _PROFILE.read(page.body).items)
        if closed:
            add_profile(batch, Profile(sec_uid=page.target, user_canceled=True), page.target, number)
    if page.outcome != "ok":
        return
    reading = _PROFILE.read(page.body)
    for _, user in reading.items:
        add_profile(batch, user, page.target, number)
    add_rejects(batch, "users", reading.odd, number)


def add_follows(batch: Batch, page: Page, number: int) -> None:
    """The rows of a following or follower list."""
    if page.outcome != "ok":
        return
    direction, shape = _LISTS[page.operation]
    reading = shape.read(page.body)
    for position, user in reading.items:
        add_follow(batch, page.target, direction, user, position, number)
    add_rejects(batch, "users", reading.odd, number)
