"""Queries that Django builds and compiles once, and then only sends with other values.

To find one row by its id, Django needs twenty times as long for building and compiling as the database for finding.
What a query says stays with the models, in Django's words: only its SQL is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import islice
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Expression, Model, QuerySet

_SHAPES = 500  # that are kept of one query; each has some kilobytes
_ROWS = 4  # fetched at a time, because a row may hold megabytes
_MARK = 2_000_000_000  # stands for a number, together with its place; the largest that every column can have

Value = str | int | datetime | None
Row = TypeVar("Row", bound=Model)


class _Moment(Expression):
    """Stands for a time, which each database writes in its own way, while a query is compiled."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the SQL has one of the values of a query."""

    index: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    params: tuple[Any, ...]  # constants of the query, and places
    converters: tuple[tuple[int, Any, Any], ...]  # column, Django's functions for it, and what it is

    def params_with(self, values: tuple[Value, ...]) -> list[Any]:
        return [_written(values[each.index]) if isinstance(each, _Place) else each for each in self.params]

    def converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Turn the database's values into Python's, as Django does for every row."""
        if not self.converters:
            return row
        values = list(row)
        for column, functions, expression in self.converters:
            for convert in functions:
                values[column] = convert(values[column], expression, connection)
        return tuple(values)


class Prepared:
    """A query as a function of values: texts and numbers just as their columns store them, times, or None.

    Named arguments decide on the shape of the query, such as its order or limit, and are few.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._compiled = lru_cache(maxsize=_SHAPES)(self._compile)

    def __call__(self, *values: Value, **shape: Hashable) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, a few at a time."""
        query = self._compiled(tuple(map(type, values)), tuple(shape.items()))
        with connection.chunked_cursor() as cursor:
            cursor.execute(query.sql, query.params_with(values))
            while rows := cursor.fetchmany(_ROWS):
                yield from map(query.converted, rows)

    def first(self, *values: Value, **shape: Hashable) -> tuple[Any, ...] | None:
        """Return the first row of a query that finds few, or None."""
        query = self._compiled(tuple(map(type, values)), tuple(shape.items()))
        with connection.cursor() as cursor:
            cursor.execute(query.sql, query.params_with(values))
            row = cursor.fetchone()
        return query.converted(row) if row else None

    def _compile(self, kinds: tuple[type, ...], shape: tuple[tuple[str, Hashable], ...]) -> _Compiled:
        marks = [_mark(kind, index) for index, kind in enumerate(kinds)]
        places = {mark: _Place(index) for index, mark in enumerate(marks) if mark is not None}
        query = self._build(*marks, **dict(shape)).query
        compiler = query.get_compiler(connection=connection)
        sql, given = compiler.as_sql()
        params = tuple(places.get(param, param) for param in given)
        if missing := places.keys() - set(given):
            raise AssertionError(f"{self._build.__name__} changes or leaves out {missing}")
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return _Compiled(sql, params, tuple((n, *each) for n, each in converters.items()))


def _mark(kind: type, index: int) -> Any:
    """Return a value that stands for one of a kind while a query is compiled."""
    if kind is type(None):
        return None
    if issubclass(kind, datetime):
        return _Moment(index)
    return _MARK + index if kind is int else f"\x02{index}\x03"


def _written(value: Value) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


@cache
def columns_of(model: type[Model], path: str = "") -> tuple[str, ...]:
    """Name the columns of a model for `values_list`; `path` leads to it from another, as in `owner__`."""
    return tuple(f"{path}{field.attname}" for field in model._meta.concrete_fields)


def read_row(model: type[Row], values: Iterator[Any], columns: tuple[str, ...] = ()) -> Row:
    """Make a row of the next values, as Django does of its own queries; of some columns, or of all."""
    names = columns or columns_of(model)
    return model.from_db(connection.alias, names, list(islice(values, len(names))))
