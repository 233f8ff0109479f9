"""What is picked of every object that Douyin sends: ids, numbers, flags, addresses, people. No I/O here.

A pick names only what columns need; everything else is skipped while reading, which is what makes reading fast.
Types are as the captures had them. An object that breaks one of them is read again by `salvage`, field by field.
Picks hold no cycles (gc=False), and addresses are tuples: the garbage collector has nothing to look through.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

NOTHING = msgspec.Raw(b"null")
NUL = "\0"  # ends a text in the statements of a catalog; texts that nobody looks for may hold it

Id: TypeAlias = str | int | None
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None
Small: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None
# The last day of the year 9999 is no day for a clock that is east of Greenwich.
Seconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_214_399)] | None
Flag: TypeAlias = bool | int | None
Text: TypeAlias = str | None


class Pick(msgspec.Struct, gc=False):
    """A part of an answer; whatever Douyin left out is None."""


class Subject(Pick, gc=False):
    """A part that becomes a row of its own, so it must say which."""

    def key(self) -> str | None:
        """The id that names it; None where it has no usable one."""
        raise NotImplementedError


class Address(Pick, gc=False):
    """A picture or sound: its stable name and its signed addresses, best first."""

    uri: Text = None
    url_list: tuple[str, ...] | None = None
    width: Count = None
    height: Count = None


class ShareInfo(Pick, gc=False):
    """What the share button gives."""

    share_url: Text = None


class User(Subject, gc=False):
    """An account, as its profile, a list of accounts, a post or a comment shows it."""

    sec_uid: Text = None
    uid: Id = None
    short_id: Id = None
    unique_id: Id = None
    nickname: Text = None
    signature: Text = None
    avatar_larger: Address | None = None
    gender: Count = None
    user_age: Count = None
    custom_verify: Text = None
    enterprise_verify_reason: Text = None
    verification_type: Count = None
    is_ban: Flag = None
    secret: Flag = None
    user_canceled: Flag = None

    def key(self) -> str | None:
        """The sec_user_id."""
        return id_of(self.sec_uid)


def id_of(value: Id) -> str | None:
    """An id as text; None for the spellings of no id: "", 0 and "0", and for what no catalog can look for."""
    if isinstance(value, str):
        return value if value and value != "0" and NUL not in value else None
    return str(value) if value else None


def flag_of(value: Flag) -> bool | None:
    """A flag, whether Douyin wrote true or 1."""
    return None if value is None else bool(value)


def first_of(address: Address | None) -> str | None:
    """The best address of a picture or sound; None where there is none."""
    if address is None or not address.url_list:
        return None
    return address.url_list[0] or next((url for url in address.url_list if url), None)
