"""The login's QR code on a terminal and as an image."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
import segno

from pipelines.errors import BadInput
from pipelines.extract.qrcode import show_qrcode

ADDRESS = "https://www.douyin.com/passport/web/?token=0123456789abcdef&next=https%3A%2F%2Fwww.douyin.com"


def modules_of(drawn: str) -> list[list[bool]]:
    """The dark modules of a code drawn with half blocks, two rows of modules to a line; light is what is drawn."""
    rows: list[list[bool]] = []
    for line in drawn.splitlines():
        rows.append([block not in "█▀" for block in line])
        rows.append([block not in "█▄" for block in line])
    return rows


def test_the_terminal_shows_every_module_of_the_code(capsys: pytest.CaptureFixture[str]):
    show_qrcode(ADDRESS)
    drawn = modules_of(capsys.readouterr().out)
    expected = [[bool(module) for module in row] for row in segno.make_qr(ADDRESS).matrix_iter(border=2)]
    assert drawn[: len(expected)] == expected


def test_it_can_be_drawn_elsewhere_than_on_standard_output(capsys: pytest.CaptureFixture[str]):
    out = io.StringIO()
    show_qrcode(ADDRESS, out=out)
    assert out.getvalue().count("\n") > 10
    assert capsys.readouterr().out == ""


def test_an_image_is_handed_to_the_viewer(capsys: pytest.CaptureFixture[str]):
    opened: list[str] = []
    show_qrcode(ADDRESS, show_image=True, open_image=opened.append)
    [address] = opened
    path = Path(url2pathname(urlsplit(address).path))
    try:
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    finally:
        path.unlink()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("address", ["", "x" * 5000])
def test_an_address_that_no_code_can_hold_is_refused(address: str):
    with pytest.raises(BadInput, match="login code"):
        show_qrcode(address)
