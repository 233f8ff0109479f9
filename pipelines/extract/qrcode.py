"""show_qrcode: the QR code of a login, in the terminal or as an image."""

from __future__ import annotations

import atexit
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import segno

from pipelines.errors import BadInput


def show_qrcode(
    qrcode_url: str,
    show_image: bool = False,
    *,
    out: TextIO | None = None,
    open_image: Callable[[str], object] = webbrowser.open,
) -> None:
    """Show the address as a QR code: drawn with blocks on `out` (standard output), or as a PNG in the image viewer.

    The PNG is gone when the program ends. BadInput where the address is empty or too long for a code.
    """
    if not qrcode_url:
        raise BadInput("There is no address to show as a QR code; ask for a new login code.")
    try:
        code = segno.make_qr(qrcode_url)
    except ValueError as error:
        raise BadInput("The address is too long for a QR code; ask for a new login code.") from error
    if show_image:
        open_image(_image(code).as_uri())
    else:
        code.terminal(out=out or sys.stdout, border=2, compact=True)


def _image(code: segno.QRCode) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".png", prefix="aweme-login-", delete=False) as file:
        code.save(file, kind="png", scale=10)
    path = Path(file.name)
    # The viewer opens it in its own time, so it cannot be removed at once.
    atexit.register(path.unlink, missing_ok=True)
    return path
