"""The connections to PostgreSQL, and what its errors mean."""

import asyncio
from contextlib import asynccontextmanager
from importlib import resources

import asyncpg

from user_service import metrics
from user_service.config import Config
from user_service.errors import unavailable

# What the server says when it cannot serve at all, or was made to stop a statement.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
_MIGRATION_LOCK = 7_235_041


class Database:
    """A pool of at most `size` connections, each statement bounded by the server too."""

    def __init__(self, config: Config, size: int):
        self.timeout = config.request_timeout
        self._pool = asyncpg.create_pool(
            config.database_url,
            min_size=0,
            max_size=size,
            reset=_nothing,  # no call leaves anything behind in its session
            server_settings={
                "application_name": config.service_name,
                "statement_timeout": str(max(1, round(config.request_timeout * 1000))),
            },
        )

    async def open(self) -> None:
        await self._pool  # connects to nothing yet

    def close(self) -> None:
        self._pool.terminate()

    @property
    def open_connections(self) -> int:
        return self._pool.get_size()

    @asynccontextmanager
    async def connection(self, query: str):
        """A connection of the pool, for what metrics call `query`; raises an ApiError when the database is away."""
        try:
            async with asyncio.timeout(self.timeout):
                connection = await self._pool.acquire()
                try:
                    with metrics.QUERY_DURATION.labels(query).time():
                        yield connection
                finally:
                    # One whose statement cannot be cancelled soon is given up by the pool.
                    await self._pool.release(connection, timeout=0.5)
        except _AWAY as error:
            raise unavailable("database is unavailable") from error


async def _nothing(_connection) -> None:
    pass


async def migrate(config: Config) -> None:
    schema = resources.files("user_service").joinpath("schema.sql").read_text()
    connection = await asyncpg.connect(config.database_url, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(schema)
    finally:
        await connection.close()
