"""Filter, order and page token of ListUsers."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime

from user_service.errors import invalid
from user_service.users import STATUSES, User

_TERM = re.compile(r'(status|email|name)=(?:"((?:[^"\\]|\\["\\])*)"|([^ "\\]+))')
_ORDER = re.compile(r"(created_at|updated_at|email|name)(?: (asc|desc))?")


def ascii_lower(text: str) -> str:
    return text.encode().lower().decode()


@dataclass(frozen=True)
class Filter:
    """At most one value a field: two different ones match no user."""

    text: str
    status: int | None = None
    email: str | None = None  # in lower case
    name: str | None = None
    contradictory: bool = False

    @classmethod
    def parse(cls, text: str) -> "Filter":
        values: dict[str, set] = {}
        for field, value in _terms(text):
            values.setdefault(field, set()).add(value)
        contradiction = any(len(some) > 1 for some in values.values())
        # PostgreSQL has no text with U+0000, so no user has it.
        nul = any("\0" in str(value) for some in values.values() for value in some)
        return cls(
            text, contradictory=contradiction or nul, **{field: next(iter(some)) for field, some in values.items()}
        )

    def matches(self, user: User) -> bool:
        return (
            not self.contradictory
            and self.status in (None, user.status)
            and self.email in (None, ascii_lower(user.email))
            and self.name in (None, user.name)
        )


def _terms(text: str):
    position = 0
    while text:
        match = _TERM.match(text, position)
        if not match:
            raise invalid("filter is invalid")
        field, quoted, bare = match.groups()
        value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if field == "status":
            if value not in STATUSES:
                raise invalid("filter is invalid")
            value = STATUSES[value]
        yield field, ascii_lower(value) if field == "email" else value
        if match.end() == len(text):
            return
        if not text.startswith(" AND ", match.end()):
            raise invalid("filter is invalid")
        position = match.end() + len(" AND ")


@dataclass(frozen=True)
class Order:
    field: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> "Order":
        match = _ORDER.fullmatch(text or "created_at")
        if not match:
            raise invalid("order_by is invalid")
        return cls(match[1], match[2] == "desc")


@dataclass(frozen=True)
class Position:
    """The last user of a page: where the next page begins."""

    value: str | datetime
    id: str


def page_size(wanted: int) -> int:
    return 20 if wanted <= 0 else min(wanted, 100)


def write_token(position: Position, filter: Filter, order: Order) -> str:
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    text = json.dumps([_binding(filter, order), value, position.id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str, filter: Filter, order: Order) -> Position | None:
    if not token:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        binding, value, id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if order.field.endswith("_at"):
            position = Position(datetime.fromisoformat(value), id)
            valid = position.value.tzinfo is not None
        else:
            position = Position(value, id)
            valid = _storable(value)
    except (ValueError, TypeError, RecursionError):
        raise invalid("page_token is invalid") from None
    if not valid or not _storable(id) or binding != _binding(filter, order):
        raise invalid("page_token is invalid")
    return position


def _binding(filter: Filter, order: Order) -> str:
    text = f"{order.field} {order.descending} {filter.text}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _storable(value) -> bool:
    """Whether PostgreSQL can compare it with a text: no U+0000, no lone surrogate."""
    return isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value)
