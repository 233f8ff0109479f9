# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import fetch_user_like_videos


async def main():
    async for page in fetch_user_like_videos(sys.argv[1], 0, 10, 20):
        for post in page:
            print(post["aweme_id"], post["max_cursor"], post["has_more"])


if __name__ == "__main__":
    asyncio.run(main())
