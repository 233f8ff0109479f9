# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import AsyncUserDB, get_or_add_user_data


async def main():
    kwargs = {"path": "Download", "mode": "post"}
    async with AsyncUserDB("douyin_users.db") as db:
        print(await get_or_add_user_data(kwargs=kwargs, sec_user_id=sys.argv[1], db=db))


if __name__ == "__main__":
    asyncio.run(main())
