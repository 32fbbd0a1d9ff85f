"""Queries whose SQL Django writes once: to write it takes some ten to forty times as long as SQLite needs to answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Expression, Field, QuerySet


class Given(Expression):
    """A value that a query gets when it is asked; in a lookup it stands where the value would."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class _Written:
    sql: str
    params: tuple[Any, ...]
    converters: tuple[tuple[int, list[Callable[..., Any]], Any], ...]  # by the number of their column


class Prepared:
    """A query of values that is written when it is first asked, and then only filled in.

    `write` returns the query with a `Given` for each value. What else it depends on, such as a setting, is its shape:
    there should be few different ones, for each is kept.
    """

    def __init__(self, write: Callable[..., QuerySet[Any, Any]]) -> None:
        self._write = write
        self._written: dict[Hashable, _Written] = {}

    def rows(self, *shape: Hashable, **values: Any) -> list[tuple[Any, ...]]:
        """Ask with these values. Raises django.db.Error."""
        key = (connection.vendor, shape)
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = _written(self._write(*shape))
        with connection.cursor() as cursor:
            cursor.execute(written.sql, [_filled(param, values) for param in written.params])
            rows = cursor.fetchall()
        return [_converted(row, written) for row in rows] if written.converters else rows


def _written(query: QuerySet[Any, Any]) -> _Written:
    compiler = query.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    columns = [column for column, _, _ in compiler.select]
    converters = compiler.get_converters(columns)
    return _Written(sql, tuple(params), tuple((n, several, column) for n, (several, column) in converters.items()))


def _filled(param: Any, values: dict[str, Any]) -> Any:
    if not isinstance(param, Given):
        return param
    return param.output_field.get_db_prep_value(values[param.name], connection)


def _converted(row: tuple[Any, ...], written: _Written) -> tuple[Any, ...]:
    values = list(row)
    for number, converters, column in written.converters:
        for convert in converters:
            values[number] = convert(values[number], column, connection)
    return tuple(values)
