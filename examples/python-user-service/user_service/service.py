"""The calls of user.v1.UserService."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import argon2
from google.protobuf import empty_pb2
from user.v1 import user_pb2, user_pb2_grpc

from user_service import metrics, validation
from user_service.feed import Feed
from user_service.listing import Filter, Order, Position, page_size, read_token, write_token
from user_service.store import Users


class UserService(user_pb2_grpc.UserServiceServicer):
    def __init__(self, users: Users, feed: Feed):
        self._users = users
        self._feed = feed
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="hash")

    async def CreateUser(self, request, context):
        email = validation.email(request.email)
        name = validation.name(request.name)
        metadata = validation.metadata(request.metadata)
        password = validation.password(request.password)
        user = await self._users.create(email, name, metadata, await self._hash(password))
        metrics.CREATED.inc()
        self._feed.notify()
        return user_pb2.CreateUserResponse(user=user.to_message())

    async def GetUser(self, request, context):
        user = await self._users.get(validation.user_id(request.id))
        return user_pb2.GetUserResponse(user=user.to_message())

    async def UpdateUser(self, request, context):
        user = await self._users.update(
            validation.user_id(request.id),
            email=validation.email(request.email) if request.HasField("email") else None,
            name=validation.name(request.name) if request.HasField("name") else None,
            status=validation.status(request.status) if request.HasField("status") else None,
            metadata=validation.metadata(request.metadata) or None,
        )
        self._feed.notify()
        return user_pb2.UpdateUserResponse(user=user.to_message())

    async def DeleteUser(self, request, context):
        await self._users.delete(validation.user_id(request.id))
        return empty_pb2.Empty()

    async def ListUsers(self, request, context):
        filter, order = Filter.parse(request.filter), Order.parse(request.order_by)
        after = read_token(request.page_token, filter, order)
        size = page_size(request.page_size)
        users, total = await self._users.page(filter, order, after, size + 1)
        response = user_pb2.ListUsersResponse(users=[user.to_message() for user in users[:size]], total_count=total)
        if len(users) > size:
            last = users[size - 1]
            response.next_page_token = write_token(Position(getattr(last, order.field), last.id), filter, order)
        return response

    async def StreamUsers(self, request, context):
        subscription = await self._feed.subscribe(Filter.parse(request.filter))
        try:
            await context.send_initial_metadata(())
            async for message in subscription:
                yield message
        finally:
            self._feed.unsubscribe(subscription)

    async def _hash(self, password: str | None) -> str | None:
        if password is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._hashing, self._hasher.hash, password)
