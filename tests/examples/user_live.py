# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import fetch_user_live_videos


async def main():
    live = await fetch_user_live_videos(webcast_id=sys.argv[1])
    print(live["room_id"], live["live_status"])


if __name__ == "__main__":
    asyncio.run(main())
