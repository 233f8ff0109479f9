"""Fresh addresses for files whose own lead nowhere: the detail of their post is asked for again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines.errors import Absent
from pipelines.house import make_crawler, utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.extract.crawler import DouyinCrawler
    from pipelines.settings import Settings
    from schemas.files import Wanted
    from schemas.pages import Page

Addresses = dict[str, tuple[str, ...]]

_GOOD_FOR = timedelta(minutes=1)


class FreshAddresses:
    """Asks for one post after the other, whoever asks: files that fail together must not make Douyin a crowd.

    Files of one post fail at about the same time, so an answer is remembered for a minute.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: dict[str, tuple[datetime, Addresses]] = {}
        self._crawler: DouyinCrawler
        self._turn: asyncio.Lock

    async def of(self, wanted: Wanted) -> Wanted | None:
        """The same file with all the addresses that its post's detail has; None where there are none any more."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # connections belong to the loop that opened them
            self._loop, self._turn, self._crawler = loop, asyncio.Lock(), make_crawler(self._settings)
        async with self._turn:
            urls = (await self._addresses(wanted.aweme_id or "")).get(wanted.media_id)
        return replace(wanted, urls=urls) if urls else None

    async def close(self) -> None:
        """Let the connections go."""
        if self._loop is not None and self._loop is asyncio.get_running_loop():
            self._loop = None
            await self._crawler.close()

    async def _addresses(self, aweme_id: str) -> Addresses:
        from pipelines.extract.questions import question

        now = utc_now()
        self._told = {asked: told for asked, told in self._told.items() if now - told[0] < _GOOD_FOR}
        if aweme_id not in self._told:
            try:
                page = await self._crawler.ask("post_detail", question("post_detail", aweme_id), target=aweme_id)
                self._told[aweme_id] = now, _addresses_in(page)
            except Absent:
                self._told[aweme_id] = now, {}
        return self._told[aweme_id][1]


def _addresses_in(page: Page) -> Addresses:
    """All addresses of each file: those of the post's dict first, whose bytes a part that is there may be of."""
    from pipelines.load.plans import plan
    from pipelines.transform.frames import frames_of
    from pipelines.transform.interface import detail_dict
    from schemas.bodies import load_json

    everything = {"music": True, "cover": True, "desc": True}
    found = {file.media_id: file.urls for file in plan(everything, detail_dict(load_json(page.body)))}
    media = frames_of([page]).get("media")
    for media_id, urls in media.select("media_id", "urls").rows() if media is not None else ():
        if media_id in found:
            found[media_id] = tuple(dict.fromkeys([*found[media_id], *(urls or ())]))
    return found
