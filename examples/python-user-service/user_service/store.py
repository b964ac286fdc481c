"""Users in PostgreSQL: each write and the change that streams send are one statement."""

import json
import uuid

import asyncpg
import grpc

from user_service.database import Database
from user_service.errors import EMAIL_TAKEN, NOT_FOUND, ApiError
from user_service.listing import Filter, Order, Position
from user_service.users import STATUSES, User

_CHANGE = f"""
    INSERT INTO changes ({User.COLUMNS}) SELECT {User.COLUMNS} FROM written RETURNING {User.COLUMNS}
"""
_CREATE = f"""
    WITH written AS (
        INSERT INTO users ({User.COLUMNS}, password)
        SELECT $1, $2, $3, 1, $4, now, now, $5 FROM clock_timestamp() AS now
        RETURNING *
    ) {_CHANGE}
"""
_UPDATE = f"""
    WITH written AS (
        UPDATE users SET
            email = coalesce($2, email),
            name = coalesce($3, name),
            status = coalesce($4, status),
            metadata = coalesce($5, metadata),
            updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
        WHERE id = $1
        RETURNING *
    ) {_CHANGE}
"""


class Users:
    def __init__(self, database: Database):
        self._database = database

    async def create(self, email: str, name: str, metadata: dict, password_hash: str | None) -> User:
        values = (str(uuid.uuid4()), email, name, json.dumps(metadata), password_hash)
        return await self._write("create_user", _CREATE, *values)

    async def get(self, id: str) -> User:
        async with self._database.connection("get_user") as connection:
            row = await connection.fetchrow(f"SELECT {User.COLUMNS} FROM users WHERE id = $1", _known(id))
        return User.from_row(_found(row))

    async def update(
        self, id: str, email: str | None, name: str | None, status: int | None, metadata: dict | None
    ) -> User:
        values = (_known(id), email, name, status, metadata and json.dumps(metadata))
        return await self._write("update_user", _UPDATE, *values)

    async def delete(self, id: str) -> None:
        async with self._database.connection("delete_user") as connection:
            _found(await connection.fetchrow("DELETE FROM users WHERE id = $1 RETURNING id", _known(id)))

    async def page(self, filter: Filter, order: Order, after: Position | None, size: int) -> tuple[list[User], int]:
        """Up to `size` users behind `after`, and how many match in all, both of one moment."""
        where, values = _where(filter)
        comparison, direction = ("<", "DESC") if order.descending else (">", "ASC")
        behind = "true"
        rest = list(values)
        if after:
            behind = f"({order.field}, id) {comparison} (${len(rest) + 1}, ${len(rest) + 2})"
            rest += [after.value, after.id]
        async with (
            self._database.connection("list_users") as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            total = await connection.fetchval(f"SELECT count(*) FROM users WHERE {where}", *values)
            rows = await connection.fetch(
                f"SELECT {User.COLUMNS} FROM users WHERE {where} AND {behind} "
                f"ORDER BY {order.field} {direction}, id {direction} LIMIT {size}",
                *rest,
            )
        return [User.from_row(row) for row in rows], total

    async def count_active(self) -> int:
        async with self._database.connection("count_active") as connection:
            return await connection.fetchval("SELECT count(*) FROM users WHERE status = $1", STATUSES["ACTIVE"])

    async def _write(self, query: str, statement: str, *values) -> User:
        async with self._database.connection(query) as connection:
            try:
                row = await connection.fetchrow(statement, *values)
            except asyncpg.UniqueViolationError as error:
                if error.constraint_name != "users_email_key":
                    raise
                raise ApiError(grpc.StatusCode.ALREADY_EXISTS, EMAIL_TAKEN) from None
        return User.from_row(_found(row))


def _known(id: str) -> str:
    if "\0" in id:  # PostgreSQL has no such text
        raise ApiError(grpc.StatusCode.NOT_FOUND, NOT_FOUND)
    return id


def _found(row):
    if row is None:
        raise ApiError(grpc.StatusCode.NOT_FOUND, NOT_FOUND)
    return row


def _where(filter: Filter) -> tuple[str, list]:
    if filter.contradictory:
        return "false", []
    columns = {"status": filter.status, "lower(email)": filter.email, "name": filter.name}
    given = {column: value for column, value in columns.items() if value is not None}
    terms = [f"{column} = ${number}" for number, column in enumerate(given, 1)]
    return " AND ".join(terms) or "true", list(given.values())
