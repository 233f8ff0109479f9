"""`aweme login`: bring a login's cookie, keep it where only its owner can read it, or check the one that is kept."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployments.commands.options import as_json
from pipelines.errors import BadInput
from pipelines.showing import in_line

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.signing_in import Login

EPILOG = """
\b
Examples:
  aweme login --browser firefox
  aweme login --cookie -            (then paste it, and press Enter)
  aweme login --qr
  aweme login --check
"""
# Stands in for the real one while settings are read: a login must not fail for want of a login.
_ANY_COOKIE = "none=1"


@click.command("login", epilog=EPILOG)
@click.option("--browser", metavar="NAME", help="from a browser's own store: chrome, firefox, edge, opera, brave, ...")
@click.option("--store", type=click.Path(path_type=Path), help="that browser's cookie file, where it lies elsewhere")
@click.option(
    "--cookie", "source", metavar="-|FILE", help="from a paste on standard input (-), or from a file, cookies.txt too"
)
@click.option("--qr", is_flag=True, help="by a QR code in this terminal")
@click.option("--image", is_flag=True, help="with --qr: show the code as an image")
@click.option("--time-limit", type=click.IntRange(min=1), default=300, show_default=True, help="with --qr: seconds")
@click.option("--check", is_flag=True, help="say whose login is kept, and whether it still works")
@click.option("--secret", metavar="NAME", help="keep it in this Prefect Secret block in place of a file")
@as_json
def command(as_json: bool, check: bool, secret: str | None, **ways: Any) -> int:
    """Log in to Douyin, for what it shows only to its users: collections, feeds, long lists of posts.

    The cookie is kept in a file that only you can read, or in a Prefect Secret. It is never shown, logged, or sent to
    another host. A login by QR code works less often than a browser's cookie: Douyin checks where it comes from.
    """
    asked = [name for name in ("browser", "source", "qr") if ways[name]]
    if len(asked) + check != 1:
        raise BadInput("Choose one: --browser NAME, --cookie -, --qr, or --check.")
    if check:
        return _report(checked(_settings(with_cookie=True)), as_json=as_json)
    settings = _settings(with_cookie=False)
    cookie = brought(settings, **ways)
    if not cookie:
        return _report(None, as_json=as_json)
    kept_in = _keep_secret(secret, cookie) if secret else _keep_file(settings, cookie)
    if not as_json:
        click.echo(f"The login is kept in {kept_in}.")
    return _report(checked(replace(settings, cookie=cookie)), as_json=as_json, kept_in=kept_in)


def brought(
    settings: Settings,
    *,
    browser: str | None,
    store: Path | None,
    source: str | None,
    qr: bool,  # noqa: ARG001 - what is left when it is neither of the others
    image: bool,
    time_limit: int,
) -> str:
    """The cookie, from where the options say; '' where a QR login came to nothing."""
    from pipelines.house import utc_now

    if browser:
        from pipelines.extract.browsers import cookie_from_browser

        return cookie_from_browser(browser, now=utc_now(), store=store)
    if source:
        from pipelines.extract.cookies import read_cookie

        return read_cookie(_pasted(source))
    return asyncio.run(_by_qr(settings, with_image=image, time_limit=time_limit))


def _pasted(source: str) -> str:
    if source != "-":
        try:
            return Path(source).expanduser().read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{source} cannot be read: name a file that holds the cookie, or - to paste it.") from error
    if sys.stdin.isatty():
        click.echo("Paste the cookie (it is not shown), then press Enter.", err=True)
        return _hidden_line()
    return sys.stdin.read()


def _hidden_line() -> str:
    try:
        import termios
    except ImportError:  # Windows
        from getpass import getpass

        return getpass("")
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    raw = termios.tcgetattr(handle)
    # Without ICANON too: a terminal that edits lines cuts them at 4096 bytes, and cookies of a login are longer.
    raw[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(handle, termios.TCSAFLUSH, raw)
    try:
        return sys.stdin.readline()
    finally:
        termios.tcsetattr(handle, termios.TCSAFLUSH, before)


async def _by_qr(settings: Settings, *, with_image: bool, time_limit: int) -> str:
    from deployments.screen import say
    from pipelines.extract.login import sso_login
    from pipelines.extract.qrcode import show_qrcode
    from pipelines.house import make_crawler

    def show(address: str) -> None:
        show_qrcode(address, show_image=with_image, out=sys.stderr)

    def told(_name: str, **facts: Any) -> None:
        if "text" in facts:
            say(facts["text"], err=True)

    async with make_crawler(settings) as crawler:
        _, cookie = await sso_login(crawler, show=show, time_limit_s=time_limit, on_event=told)
    return cookie


def checked(settings: Settings) -> Login:
    """What Douyin says of the cookie in these settings, with the name that the archive knows the account by."""
    from pipelines.errors import Transient
    from pipelines.house import make_crawler
    from pipelines.signing_in import Login, whose_login

    async def ask() -> Login:
        async with make_crawler(settings) as crawler:
            return await whose_login(crawler)

    try:
        login = asyncio.run(ask())
    except Transient as error:
        return Login(holds=False, reason=f"it could not be checked: {error}")
    return replace(login, nickname=_nickname(settings, login.uid)) if login.uid else login


def _nickname(settings: Settings, uid: str) -> str | None:
    from deployments.reading import open_reader
    from pipelines.errors import ArchiveError

    try:
        with open_reader(settings) as lake:
            rows = lake.query("SELECT nickname FROM users WHERE uid = ? AND nickname IS NOT NULL", [uid]).rows()
    except ArchiveError:
        return None  # no archive yet, or none to be reached: the number must do
    return str(rows[0][0]) if rows else None


def _settings(*, with_cookie: bool) -> Settings:
    from pipelines.settings import load_settings

    if with_cookie:
        return load_settings()
    return replace(load_settings({"cookie": _ANY_COOKIE}), cookie="")


def _keep_file(settings: Settings, cookie: str) -> str:
    from pipelines.settings import load_settings, user_folder
    from pipelines.signing_in import keep_cookie

    path = Path(settings.cookie_file).expanduser() if settings.cookie_file else user_folder() / "cookie"
    keep_cookie(path, cookie)
    if load_settings().cookie != cookie:
        click.echo(
            "Note: AWEME_COOKIE or `cookie` in aweme.toml comes before the file; unset it to use this login.", err=True
        )
    return str(path)


def _keep_secret(name: str, cookie: str) -> str:
    from prefect.blocks.system import Secret
    from pydantic import SecretStr

    async def save() -> None:
        await Secret(value=SecretStr(cookie)).asave(name, overwrite=True)

    try:
        asyncio.run(save())
    except ValueError as error:
        raise BadInput("A Secret's name has lower-case letters, digits and dashes.") from error
    return f"Prefect Secret {name}"


def _report(login: Login | None, *, as_json: bool, kept_in: str | None = None) -> int:
    from deployments.screen import print_json, say
    from pipelines.signing_in import Login

    login = login or Login(holds=False, reason="nobody confirmed it")
    if as_json:
        print_json(login.as_json() | {"kept_in": kept_in})
    elif login.holds:
        say(f"The login works: account {login.uid}" + (f", {in_line(login.nickname)}." if login.nickname else "."))
    else:
        say(f"The login does not work: {login.reason}.")
    return 0 if login.holds else 4
