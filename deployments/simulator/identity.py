"""Who the made-up accounts are: ids and names that follow from the seed, and the cookies of visitors. No I/O here."""

from __future__ import annotations

from deployments.simulator.numbers import base62, digest, digits, mix, opaque

_NICKNAMES = ("木匠阿福", "🐼🎋✨", "../../秘密", "", "  前后有空格 ", "a/b\\c:d*e?", "CON", "很长" * 60)
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("在路上", "爱做饭", "的小店", "看世界", "讲故事", "修钟表", "养花记", "练字日常")


def uid_of(seed: int, number: int) -> str:
    """An account's numeric id; every fourth is beyond 2**53."""
    return ("1" + digits(18, seed, number, "uid")) if number % 4 == 2 else digits(12, seed, number, "uid")


def sec_user_id_of(seed: int, number: int) -> str:
    """An account's lasting id: 55 characters for old accounts, 76 for most."""
    return "MS4wLjABAAAA" + opaque(43 if number % 3 == 1 else 64, seed, number, "sec")


def first_nickname(seed: int, number: int) -> str:
    """What an account is called before it renames itself; the first ones are hard on file systems."""
    if number < len(_NICKNAMES):
        return _NICKNAMES[number]
    choice = mix(seed, number, 5)
    return f"{_FAMILY[choice % len(_FAMILY)]}{_GIVEN[(choice >> 8) % len(_GIVEN)]}{number}"


def handles_of(seed: int, number: int) -> tuple[str, str]:
    """The unique_id and short_id; whoever has no unique_id goes by the short_id, which is "0" for the others."""
    if number % 4 == 3:
        return "", digits(10, seed, number, "short")
    return f"dy{base62(8, seed, number, 'handle').lower()}", "0"


def sessionid_of(seed: int) -> str:
    """The session of account 0's owner."""
    return digest(seed, "session").hex()[:32]


def ttwid_of(seed: int) -> str:
    """A visitor's ttwid."""
    return f"1%7C{opaque(43, seed, 'ttwid')}%7C1789000000%7C{digest(seed, 'ttwid').hex()[:64]}"


def login_cookie(seed: int) -> str:
    """A Cookie header that is logged in as account 0."""
    session = sessionid_of(seed)
    csrf, odin = digest(seed, "csrf").hex()[:32], digest(seed, "odin").hex()
    named = "; ".join(f"{name}={session}" for name in ("sessionid", "sessionid_ss", "sid_tt"))
    return f"ttwid={ttwid_of(seed)}; {named}; passport_csrf_token={csrf}; odin_tt={odin}"
