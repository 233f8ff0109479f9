"""What made-up posts, comments and profiles say. No I/O here."""

from __future__ import annotations

from deployments.simulator.kinds import Kind
from deployments.simulator.numbers import mix

_WHO = ("隔壁老王", "家里的猫", "一位木匠", "两个邻居", "卖菜的阿姨", "刚下班的我", "爷爷", "新来的徒弟")
_WHAT = ("修好了一把旧椅子", "第一次做红烧肉", "在雨里等公交", "把阳台种满了花", "学会了骑车", "收拾出一间书房")
_WHERE = ("在老街口", "在江边", "在山上的院子里", "在出租屋", "在夜市", "在小区楼下")
_TAGS = ("日常", "手工", "美食", "旅行", "记录生活", "vlog")
_SAID = ("真好看", "学到了", "在哪里买的", "哈哈哈😂", "支持一下", "第一", "想起了小时候", "下次教教我", "[赞][赞]")
WILD = (
    '一/二\\三:四*五?六"七<八>九|十 👨‍👩‍👧‍👦🏳️‍🌈 全角：？＊ “引号” ‘单引’\n第二行\t制表 \u200b零宽 \u202e反向\u202c '
    + "这是一段很长很长的文字，" * 12
    + "%20 %s {desc} $HOME `ls` ../../etc/passwd ~ 结尾有点."
)
TWIN = "同一秒发的两条，文字也一样 #日常"


def caption_of(seed: int, user: int, index: int, kind: Kind) -> str | None:
    """The caption that a post began with; None where it has none."""
    if kind.caption in ("null", "absent"):
        return None
    fixed = {"empty": "", "wild": WILD, "twin": TWIN}
    if kind.caption in fixed:
        return fixed[kind.caption]
    number = mix(seed, user, index, 3)
    sentence = f"{_pick(_WHO, number)}{_pick(_WHERE, number >> 8)}{_pick(_WHAT, number >> 16)}，第{index + 1}天"
    tags = [f"#{_pick(_TAGS, number >> shift)}" for shift in (24, 32)][: number >> 40 & 3]
    mention = [f"@{_pick(_WHO, number >> 44)}"] if number >> 50 & 7 == 0 else []
    return " ".join([sentence, *mention, *tags])


def comment_text(number: int) -> str:
    """What a comment says; '' for some, which are pictures."""
    return "" if number % 11 == 0 else f"{_pick(_SAID, number)}{_pick(_WHO, number >> 8) if number & 1 else ''}"


def room_title(number: int) -> str:
    """What a broadcast is called."""
    return f"{_pick(_WHO, number)}{_pick(_WHERE, number >> 8)}直播中"


def _pick(choices: tuple[str, ...], number: int) -> str:
    return choices[number % len(choices)]
