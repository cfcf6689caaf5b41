"""What tables are made of: their one collection, and text as both databases can hold it."""

from typing import Final

from sqlalchemy import Dialect, MetaData, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

NO_NUL: Final = {0: "\N{SYMBOL FOR NULL}"}
"""How PostgreSQL is given the one character that its text cannot hold. Texts of messages are JSON, which can."""


class Name(TypeDecorator[str]):
    """A short text as people or programs type it."""

    impl: TypeEngine[str] | type[TypeEngine[str]] = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return value.translate(NO_NUL) if value is not None and dialect.name == "postgresql" else value


class Words(Name):
    """Text as people type it."""

    impl = Text
    cache_ok = True


metadata = MetaData()
