"""What a person could paste about the accounts of a world: links, short links, share text. No I/O here."""

from __future__ import annotations

from deployments.simulator.world import Account, World


def describe(world: World) -> list[dict[str, str | int]]:
    """Rows for people: one per link of every account, with its name and number of posts."""
    rows: list[dict[str, str | int]] = []
    for account in world.accounts:
        about: dict[str, str | int] = {
            "account": account.number,
            "nickname": account.nickname,
            "posts": account.post_count,
        }
        rows += [about | {"what": what, "link": link} for what, link in links_of(world, account)]
    return rows


def links_in(world: World) -> list[tuple[str, str]]:
    """(What it is, link or share text) of every account."""
    return [link for account in world.accounts for link in links_of(world, account)]


def links_of(world: World, account: Account) -> list[tuple[str, str]]:
    """(What it is, link or share text) of one account."""
    name = f"account {account.number}"
    found = [
        (f"{name} home", account.home),
        (f"{name} short link", account.short_link),
        (f"{name} share text", account.share_text),
        (f"{name} live", f"https://live.douyin.com/{account.webcast_id}"),
        (f"{name} room", f"https://webcast.amemv.com/douyin/webcast/reflow/{account.room_id}"),
    ]
    for rank in range(min(2, account.post_count)):
        found += _links_of_post(world, name, account.number, account.post_count - 1 - rank)
    if world.episodes(account.number, 0):
        found.append((f"{name} mix", f"https://www.douyin.com/collection/{world.mix_id(account.number)}/1"))
    return found


def _links_of_post(world: World, name: str, user: int, index: int) -> list[tuple[str, str]]:
    post = world.post(user, index)
    form = "note" if post.kind.images else "video"
    shared = f"https://www.iesdouyin.com/share/{form}/{post.aweme_id}/?region=CN&from_ssr=1"
    return [
        (f"{name} {form}", f"https://www.douyin.com/{form}/{post.aweme_id}"),
        (f"{name} {form} short link", world.short_link(shared)),
    ]
