# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import fetch_one_video


async def main():
    video = await fetch_one_video(aweme_id=sys.argv[1])
    print(video["aweme_id"], video["nickname"])


if __name__ == "__main__":
    asyncio.run(main())
