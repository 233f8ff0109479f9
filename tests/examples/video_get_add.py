# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import AsyncVideoDB, fetch_one_video, get_or_add_video_data

ignore_fields = ["video_play_addr", "images", "video_bit_rate", "cover"]


async def main():
    async with AsyncVideoDB("douyin_videos.db") as db:
        video = await fetch_one_video(aweme_id=sys.argv[1])
        await get_or_add_video_data(video, db, ignore_fields)
        print((await db.get_video_info(sys.argv[1]))["aweme_id"])


if __name__ == "__main__":
    asyncio.run(main())
