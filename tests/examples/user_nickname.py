# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import AsyncUserDB, get_user_nickname


async def main():
    async with AsyncUserDB("douyin_users.db") as db:
        print(await get_user_nickname(sec_user_id=sys.argv[1], db=db))


if __name__ == "__main__":
    asyncio.run(main())
