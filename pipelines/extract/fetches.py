"""The methods of the crawler that the spec names, and those beyond it: a request model in, Douyin's JSON out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel

from pipelines.errors import Unfamiliar
from pipelines.extract.endpoints import endpoint_of
from pipelines.extract.pages import attached
from schemas import requests as r
from schemas.bodies import load_json
from schemas.pages import Page

Json = dict[str, Any]


class Fetches(ABC):
    """Every operation as a method; whole numbers keep all their digits. Raises the typed error that fits."""

    @abstractmethod
    async def ask(
        self, operation: str, params: BaseModel | Mapping[str, Any], *, target: str = "", cursor: str | None = None
    ) -> Page:
        """Douyin's answer to one operation, as a Page."""

    @abstractmethod
    async def answer_of(self, operation: str, params: BaseModel | Mapping[str, Any]) -> httpx.Response:
        """Douyin's answer to one operation as it came."""

    async def fetch_user_profile(self, params: r.UserProfile) -> Json:
        """An account's profile: {user}."""
        return await self._json("user_profile", params)

    async def fetch_user_post(self, params: r.UserPost) -> Json:
        """A page of an account's posts: {aweme_list, max_cursor, has_more}."""
        return await self._json("user_post", params)

    async def fetch_user_like(self, params: r.UserLike) -> Json:
        """A page of what an account likes: {aweme_list, max_cursor, has_more}."""
        return await self._json("user_like", params)

    async def fetch_user_collect(self, params: r.UserCollect) -> Json:
        """A page of what the cookie's owner collected: {aweme_list, cursor, has_more}."""
        return await self._json("user_collect", params)

    async def fetch_user_mix(self, params: r.UserMix) -> Json:
        """A page of a mix: {aweme_list, cursor, has_more}."""
        return await self._json("user_mix", params)

    async def fetch_post_detail(self, params: r.PostDetail) -> Json:
        """One post: {aweme_detail}."""
        return await self._json("post_detail", params)

    async def fetch_post_comment(self, params: r.PostComment) -> Json:
        """A page of a post's comments: {comments, cursor, has_more, total}."""
        return await self._json("post_comment", params)

    async def fetch_post_feed(self, params: r.PostFeed) -> Json:
        """Recommended posts: {aweme_list}; different on each call."""
        return await self._json("post_feed", params)

    async def fetch_follow_feed(self, params: r.FollowFeed) -> Json:
        """Posts of followed accounts: {data: [{aweme}], cursor, level, has_more}."""
        return await self._json("follow_feed", params)

    async def fetch_friend_feed(self, params: r.FriendFeed) -> Json:
        """Posts of friends: {data: [{aweme}], cursor, level, has_more}."""
        return await self._json("friend_feed", params)

    async def fetch_post_related(self, params: r.PostRelated) -> Json:
        """Posts related to a post: {aweme_list, has_more}."""
        return await self._json("post_related", params)

    async def fetch_live(self, params: r.UserLive) -> Json:
        """A live room by webcast_id: {data: {data: [room], user}}."""
        return await self._json("live", params)

    async def fetch_live_room_id(self, params: r.UserLive2) -> Json:
        """A live room by room_id: {data: {room}}; asked without any cookie."""
        return await self._json("live_room_id", params)

    async def fetch_follow_live(self, params: r.FollowUserLive) -> Json:
        """Live rooms of followed accounts: {data: {data: [{room}]}}."""
        return await self._json("follow_live", params)

    async def fetch_locate_post(self, params: r.PostLocate) -> Json:
        """The page of an account's posts that shows a post: {aweme_list, locate_item_cursor, ...}."""
        return await self._json("locate_post", params)

    async def fetch_login_qrcode(self, params: r.LoginGetQr) -> Json:
        """A new QR code: {data: {token, qrcode, qrcode_index_url}}."""
        return await self._json("login_qrcode", params)

    async def fetch_check_qrcode(self, params: r.LoginCheckQr) -> httpx.Response:
        """Whether a QR code was scanned: the response itself, since its cookies are the login."""
        return await self.answer_of("check_qrcode", params)

    async def fetch_check_login(self, params: r.LoginCheckQr) -> Json:
        """Whether the login holds: {has_login}."""
        return await self._json("check_login", params)

    async def fetch_collects_list(self, params: r.UserCollects) -> Json:
        """A page of the owner's folders: {collects_list, cursor, has_more}."""
        return await self._json("collects_list", params)

    async def fetch_collects_posts(self, params: r.UserCollectsVideo) -> Json:
        """A page of one folder: {aweme_list, cursor, has_more}."""
        return await self._json("collects_posts", params)

    async def fetch_collected_music(self, params: r.UserMusicCollection) -> Json:
        """A page of the owner's collected sounds: {mc_list, cursor, has_more}."""
        return await self._json("collected_music", params)

    async def fetch_collected_mixes(self, params: r.UserMixCollection) -> Json:
        """A page of the owner's collected mixes: {mix_infos, cursor, has_more}."""
        return await self._json("collected_mixes", params)

    async def fetch_comment_reply(self, params: r.PostCommentReply) -> Json:
        """A page of the replies to a comment: {comments, cursor, has_more}."""
        return await self._json("comment_reply", params)

    async def fetch_following(self, params: r.UserFollowing) -> Json:
        """A page of the accounts that an account follows: {followings, offset, max_time, min_time, has_more}."""
        return await self._json("following", params)

    async def fetch_followers(self, params: r.UserFollower) -> Json:
        """A page of an account's followers: {followers, offset, max_time, min_time, has_more}."""
        return await self._json("followers", params)

    async def fetch_search_user_posts(self, params: r.HomePostSearch) -> Json:
        """A page of the search in one account's posts: {aweme_list: [{item}], cursor, has_more, log_pb}."""
        return await self._json("search_user_posts", params)

    async def fetch_query_user(self, params: r.QueryUser) -> Json:
        """Whose cookie it is: {id, user_uid, user_uid_type}; the type is 0 for a guest."""
        return await self._json("query_user", params)

    async def fetch_hot_board(self, params: r.HotBoard) -> Json:
        """The hot board: {data: {word_list}}; asked without any cookie."""
        return await self._json("hot_board", params)

    async def _json(self, operation: str, params: BaseModel) -> Json:
        field = endpoint_of(operation).target_field
        page = await self.ask(operation, params, target=str(getattr(params, field, "")) if field else "")
        try:
            answer: Json = load_json(page.body)
        except ValueError as error:
            reason = f"Douyin's answer to {operation} is no proper JSON; run again later"
            raise attached(Unfamiliar(reason), page) from error
        return answer
