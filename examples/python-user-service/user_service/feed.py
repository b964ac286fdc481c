"""What streams send: the table `changes`, read by one task for all subscribers of this process.

Every change is read exactly once, however long its transaction took to commit: a read takes what the
snapshot of the one before did not see. Redis only says that there is news, so that a change arrives at once; without
it the task looks twice a second.
"""

import asyncio
import logging
from collections import deque

import asyncpg
import grpc
import redis.asyncio as redis
from user.v1 import user_pb2

from user_service.database import Database
from user_service.errors import ApiError, unavailable
from user_service.listing import Filter
from user_service.users import User

_CHANNEL = "user-service:changes"
_INTERVAL = 0.5
_REPLAY = 2.0  # a change may be acknowledged a little after it was read
_BACKLOG = 32 * 1024 * 1024
_OVERHEAD = 8 * 1024  # of a message in memory, in addition to its bytes
_KEPT = "1 hour"
_NEW = f"""
    SELECT now.snapshot, {", ".join(f"changes.{column.strip()}" for column in User.COLUMNS.split(","))}
    FROM (SELECT pg_current_snapshot()::text AS snapshot) AS now
    LEFT JOIN changes
        ON changes.transaction >= pg_snapshot_xmin($1::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(changes.transaction, $1::text::pg_snapshot)
    ORDER BY changes.number
"""
_log = logging.getLogger(__name__)


class Subscription:
    """One stream's updates; ends with the ApiError that ends the stream."""

    def __init__(self, filter: Filter):
        self._filter = filter
        self._queue: deque[user_pb2.User] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._end: ApiError | None = None

    def offer(self, user: User, message: user_pb2.User) -> None:
        if self._end is None and self._filter.matches(user):
            self._queue.append(message)
            self._size += message.ByteSize() + _OVERHEAD
            self._news.set()
            if self._size > _BACKLOG:
                self._queue.clear()
                self.end(ApiError(grpc.StatusCode.RESOURCE_EXHAUSTED, "the subscriber reads too slowly"))

    def end(self, error: ApiError) -> None:
        self._end = self._end or error
        self._news.set()

    def __aiter__(self):
        return self

    async def __anext__(self) -> user_pb2.User:
        while not self._queue:
            if self._end:
                raise self._end
            self._news.clear()
            await self._news.wait()
        message = self._queue.popleft()
        self._size -= message.ByteSize() + _OVERHEAD
        return message


class Feed:
    def __init__(self, database: Database, cache: redis.Redis):
        self._database = database
        self._redis = cache
        self._subscriptions: set[Subscription] = set()
        self._snapshot: str | None = None
        self._started = asyncio.Event()
        self._recent: deque[tuple[float, User, user_pb2.User]] = deque()
        self._news = asyncio.Event()
        self._publishing: set[asyncio.Task] = set()
        self._closed = False

    async def subscribe(self, filter: Filter) -> Subscription:
        try:
            async with asyncio.timeout(self._database.timeout):
                await self._started.wait()
        except TimeoutError:
            raise unavailable("database is unavailable") from None
        if self._closed:
            raise unavailable("the service is stopping")
        subscription = Subscription(filter)
        for _, user, message in self._recent:
            subscription.offer(user, message)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        self._closed = True
        self._started.set()
        for subscription in self._subscriptions:
            subscription.end(unavailable("the service is stopping"))

    def notify(self) -> None:
        """Wakes this and the other instances; in the background."""
        self._news.set()
        if len(self._publishing) < 10:
            task = asyncio.create_task(self._publish())
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def _publish(self) -> None:
        try:
            await self._redis.publish(_CHANNEL, "")
        except (redis.RedisError, OSError) as error:
            _log.debug("redis does not take news: %s", type(error).__name__)

    async def listen(self) -> None:
        """Waits for the news of the other instances."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(_CHANNEL)
                    while True:
                        if await channel.get_message(timeout=None):
                            self._news.set()
            except (redis.RedisError, OSError):
                await asyncio.sleep(1)

    async def run(self) -> None:
        """Reads the changes until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._news.clear()
                await self._read(loop.time())
            except (ApiError, asyncpg.PostgresError) as error:
                _log.warning("changes cannot be read: %s", error)
                await asyncio.sleep(_INTERVAL)
            try:
                async with asyncio.timeout(_INTERVAL):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _read(self, now: float) -> None:
        async with self._database.connection("read_changes") as connection:
            if self._snapshot is None:
                self._snapshot = await connection.fetchval("SELECT pg_current_snapshot()::text")
                self._started.set()
                return
            rows = await connection.fetch(_NEW, self._snapshot)
        self._snapshot = rows[0]["snapshot"]
        while self._recent and self._recent[0][0] < now - _REPLAY:
            self._recent.popleft()
        for user in (User.from_row(row) for row in rows if row["id"] is not None):
            message = user.to_message()
            self._recent.append((now, user, message))
            for subscription in self._subscriptions:
                subscription.offer(user, message)

    async def sweep(self) -> None:
        """Removes old changes, once a minute, until cancelled."""
        while True:
            await asyncio.sleep(60)
            try:
                async with self._database.connection("remove_old_changes") as connection:
                    await connection.execute(f"DELETE FROM changes WHERE at < clock_timestamp() - interval '{_KEPT}'")
            except (ApiError, asyncpg.PostgresError) as error:
                _log.warning("old changes cannot be removed: %s", error)
