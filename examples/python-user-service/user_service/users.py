"""A user, as stored and as sent."""

import json
from dataclasses import dataclass
from datetime import datetime

from user.v1 import user_pb2

STATUSES = {
    "ACTIVE": user_pb2.USER_STATUS_ACTIVE,
    "INACTIVE": user_pb2.USER_STATUS_INACTIVE,
    "SUSPENDED": user_pb2.USER_STATUS_SUSPENDED,
}


@dataclass(frozen=True)
class User:
    id: str
    email: str
    name: str
    status: int
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime

    COLUMNS = "id, email, name, status, metadata, created_at, updated_at"

    @classmethod
    def from_row(cls, row) -> "User":
        return cls(
            id=row["id"],
            email=row["email"],
            name=row["name"],
            status=row["status"],
            metadata=json.loads(row["metadata"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )

    def to_message(self) -> user_pb2.User:
        message = user_pb2.User(
            id=self.id, email=self.email, name=self.name, status=self.status, metadata=self.metadata
        )
        message.created_at.FromDatetime(self.created_at)
        message.updated_at.FromDatetime(self.updated_at)
        return message
