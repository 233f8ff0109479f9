# ruff: noqa: T201 - examples print
import asyncio

from pipelines.handler import handle_sso_login


async def main():
    is_login, login_cookie = await handle_sso_login()
    print(is_login, len(login_cookie) > 0)


if __name__ == "__main__":
    asyncio.run(main())
