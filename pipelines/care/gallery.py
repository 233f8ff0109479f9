"""The archive as pages that any browser opens without a program: an index, and pages of posts for each account.

Everything that people wrote is escaped; there is no script, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from schemas.jobs import CHINA
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.load.lake import Lake

PAGE_POSTS = 100
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222;background:#fafafa}
a{color:#0645ad}header{margin-bottom:1.5rem}
.posts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
article{background:#fff;border:1px solid #ddd;border-radius:.5rem;padding:.75rem;overflow-wrap:anywhere}
p{white-space:pre-line}article img,article video{width:100%;border-radius:.25rem}
.gone{border-color:#b00}.note{color:#666;font-size:.85rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:left}
"""
_POLICY = "default-src 'none'; img-src 'self' data: file:; media-src 'self' file:; style-src 'unsafe-inline'"
_ACCOUNTS = """
SELECT p.sec_user_id, any_value(coalesce(u.nickname, p.nickname)) AS nickname, any_value(u.bio) AS bio,
       count(*) AS posts, count(p.gone_at) AS gone, min(p.created_at) AS first_at, max(p.created_at) AS last_at
FROM posts p LEFT JOIN users u USING (sec_user_id) GROUP BY ALL ORDER BY posts DESC, sec_user_id
"""
_POSTS = """
WITH page AS (SELECT * FROM posts_latest WHERE sec_user_id IS NOT DISTINCT FROM ?
              ORDER BY created_at DESC NULLS LAST, aweme_id DESC LIMIT {limit} OFFSET {offset})
SELECT s.aweme_id, s.caption, s.created_at, s.like_count, s.comment_count, s.gone_at, s.gone_reason, s.share_url,
       list({{'kind': m.kind, 'path': f.path}} ORDER BY m.kind, m.position) FILTER (f.path IS NOT NULL) AS files
FROM page s LEFT JOIN media m USING (aweme_id) LEFT JOIN files f ON f.media_id = m.media_id AND f.state = 'stored'
GROUP BY ALL ORDER BY s.created_at DESC NULLS LAST, s.aweme_id DESC
"""

Link = Callable[[str], str | None]


def write(lake: Lake, folder: Path, link: Link, on_posts: Callable[[int], None]) -> None:
    """Write index.html and accounts/*.html; `link` gives the address of a kept file, seen from `folder`/accounts."""
    (folder / "accounts").mkdir(parents=True)
    accounts = lake.query(_ACCOUNTS).to_dicts()
    (folder / "index.html").write_text(_index(accounts), "utf-8")
    for number, account in enumerate(accounts, 1):
        pages = -(-account["posts"] // PAGE_POSTS)
        for page in range(pages):
            sql = _POSTS.format(limit=PAGE_POSTS, offset=page * PAGE_POSTS)
            posts = lake.query(sql, [account["sec_user_id"]]).to_dicts()
            text = _page(account, posts, number, page, pages, link)
            (folder / "accounts" / _name(number, page)).write_text(text, "utf-8")
            on_posts(len(posts))


def _name(number: int, page: int) -> str:
    return f"{number:05d}-{page + 1}.html"


def _document(title: str, body: Iterator[str] | list[str]) -> str:
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _index(accounts: list[dict[str, Any]]) -> str:
    rows = (
        f'<tr><td><a href="accounts/{_name(number, 0)}">{_who(account)}</a></td><td>{account["posts"]}</td>'
        f"<td>{account['gone']}</td><td>{_day(account['first_at'])}</td><td>{_day(account['last_at'])}</td></tr>"
        for number, account in enumerate(accounts, 1)
    )
    head = "<tr><th>account</th><th>posts</th><th>gone since</th><th>first</th><th>last</th></tr>"
    note = '<p class="note">Days are those of China (UTC+8).</p>'
    return _document("Archive", ["<h1>Archive</h1><table>", head, *rows, f"</table>{note}"])


def _page(account: dict[str, Any], posts: list[Any], number: int, page: int, pages: int, link: Link) -> str:
    turns = [
        f'<a href="{_name(number, other)}">{other + 1}</a>' if other != page else str(other + 1)
        for other in range(pages)
    ]
    return _document(
        _who(account),
        [
            f'<header><a href="../index.html">all accounts</a><h1>{_who(account)}</h1>'
            f'<p>{escape(account["bio"] or "")}</p><p class="note">'
            f"{counted(account['posts'], 'posts')} · {' '.join(turns)}</p></header>",
            '<div class="posts">',
            *(_article(post, link) for post in posts),
            "</div>",
        ],
    )


def _article(post: dict[str, Any], link: Link) -> str:
    gone = f" · gone: {escape(post['gone_reason'] or 'yes')}" if post["gone_at"] else ""
    shown = "".join(_media(file, link) for file in post["files"] or ())
    counts = " · ".join(f"{post[name]} {name.split('_')[0]}s" for name in ("like_count", "comment_count") if post[name])
    return (
        f"<article{' class=gone' if post['gone_at'] else ''}>{shown}<p>{escape(post['caption'] or '')}</p>"
        f'<p class="note">{_day(post["created_at"])} · {counts} · {escape(post["aweme_id"])}{gone}</p></article>'
    )


def _media(file: dict[str, str], link: Link) -> str:
    address = link(file["path"])
    if address is None:
        return ""
    at = escape(address, quote=True)
    if file["path"].endswith((".mp4", ".ts", ".flv", ".webm")):
        return f'<video controls preload="none" src="{at}"></video>'
    if file["kind"] in ("image", "cover", "dynamic_cover"):
        return f'<img loading="lazy" alt="" src="{at}">'
    return f'<p class="note"><a href="{at}">{escape(file["kind"])}</a></p>'


def address(path: str) -> str:
    """A path as an address: everything but letters, digits and slashes in percent."""
    return quote(path)


def _who(account: dict[str, Any]) -> str:
    return escape(account["nickname"] or account["sec_user_id"] or "unknown author")


def _day(moment: Any) -> str:
    # As Douyin shows it, and as the names of files have it.
    return f"{moment.astimezone(CHINA):%Y-%m-%d}" if moment else ""
