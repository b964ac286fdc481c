"""What a user's fields may hold."""

import re
from collections.abc import Mapping

from user_service.errors import invalid

# str.isspace() and \s also take U+001C to U+001F, which are not Unicode white space.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROL = "\x00-\x1f\x7f-\x9f"
_BLANK = re.compile(f"[{_SPACE}]*")
_EMAIL = re.compile(f"[^@{_SPACE}{_CONTROL}]+@[^@{_SPACE}{_CONTROL}]+")
_HAS_CONTROL = re.compile(f"[{_CONTROL}]")


def email(value: str) -> str:
    if not value:
        raise invalid("email is required")
    local = value.partition("@")[0]
    if not _EMAIL.fullmatch(value) or len(local.encode()) > 64 or len(value.encode()) > 254:
        raise invalid("email is invalid")
    return value


def name(value: str) -> str:
    if _BLANK.fullmatch(value):
        raise invalid("name is required")
    if len(value) > 256 or _HAS_CONTROL.search(value):
        raise invalid("name is invalid")
    return value


def metadata(value: Mapping[str, str]) -> dict[str, str]:
    entries = dict(value)
    size = sum(len(key.encode()) + len(text.encode()) for key, text in entries.items())
    if len(entries) > 64 or size > 16 * 1024 or not all(map(_valid_entry, entries.items())):
        raise invalid("metadata is invalid")
    return entries


def _valid_entry(entry: tuple[str, str]) -> bool:
    key, text = entry
    return 1 <= len(key) <= 64 and len(text) <= 1024 and not _HAS_CONTROL.search(key + text)


def password(value: str) -> str | None:
    if value and not 8 <= len(value) <= 128:
        raise invalid("password is invalid")
    return value or None


def status(value: int) -> int:
    if value not in (1, 2, 3):
        raise invalid("status is invalid")
    return value


def user_id(value: str) -> str:
    if not value:
        raise invalid("id is required")
    return value
