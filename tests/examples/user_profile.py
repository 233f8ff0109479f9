# ruff: noqa: T201 - examples print
import asyncio
import sys

from pipelines.handler import handler_user_profile


async def main():
    user = await handler_user_profile(sec_user_id=sys.argv[1])
    print(user._to_dict()["sec_user_id"], user["uid"])


if __name__ == "__main__":
    asyncio.run(main())
