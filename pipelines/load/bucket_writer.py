"""An object on its way into a bucket: begun under its final key, there when it is complete.

A bucket has no rename: a small file is one PUT, any other a multipart upload. A part cannot outlive its process there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from pipelines.load import patience
from pipelines.load.writers import InThread, Mapped, Writer

UPLOAD_BYTES = 6 << 20  # S3 wants parts of 5 MiB or more, and allows 10,000: files of up to 60 GB


class BucketWriter(Writer):
    """An object in a bucket; `call` is s3fs's `call_s3`, `full` makes `<bucket>/<key>` of a path."""

    def __init__(
        self, call: Callable[..., Any], in_thread: InThread, mapped: Mapped, full: Callable[[str], str]
    ) -> None:
        super().__init__(in_thread, mapped, full)
        self._call = call
        self._upload: dict[str, str] | None = None
        self._waiting = bytearray()
        self._parts: list[dict[str, Any]] = []

    def _put(self, piece: bytes | memoryview) -> None:
        self._waiting += piece
        if len(self._waiting) >= UPLOAD_BYTES:
            self._send_part()

    def _place(self) -> dict[str, str]:
        bucket, _, key = self._full(self._final).partition("/")
        return {"Bucket": bucket, "Key": key}

    def _send_part(self) -> None:
        if self._upload is None:
            place = self._place()
            begun = self._call("create_multipart_upload", **place)
            self._upload = {**place, "UploadId": begun["UploadId"]}
        number = len(self._parts) + 1
        sent = self._send("upload_part", **self._upload, PartNumber=number)
        self._waiting = bytearray()  # now, and not before: what did not arrive is sent by whoever finishes it
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def _send(self, method: str, **query: Any) -> Any:
        # Nothing else limits how long a bucket may take no bytes, or may not say that it wants them.
        limit = patience.to_send(len(self._waiting))
        return self._call(method, **query, Body=bytes(self._waiting), timeout=limit)

    def _finish(self) -> None:
        self._flush()
        if self._upload is None:
            self._send("put_object", **self._place())
        else:
            if self._waiting:
                self._send_part()
            self._call("complete_multipart_upload", **self._upload, MultipartUpload={"Parts": self._parts})
        self._upload, self._parts, self._waiting = None, [], bytearray()

    async def _settle(self) -> None:
        """Nothing: a complete object has its name."""

    def _leave(self) -> None:
        self._discard()

    def _discard(self) -> None:
        upload, self._upload = self._upload, None
        self._parts, self._waiting = [], bytearray()
        if upload is not None:
            with contextlib.suppress(FileNotFoundError):
                self._call("abort_multipart_upload", **upload)
