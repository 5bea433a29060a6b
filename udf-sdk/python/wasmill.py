"""Functions for wasmill in Python: a decorator on ordinary functions.

    import wasmill
    from wasmill import WasmillFunctions          # what the component exports

    @wasmill.scalar
    def risk(amount: float, country: str) -> float | None:
        return None if country == "ZZ" else amount / 1000

Arguments and results are bool, int (BIGINT), float (DOUBLE), str, bytes, decimal.Decimal, datetime.date, datetime.time,
datetime.datetime (TIMESTAMP(3)), or an SQL type as text: `amount: "DECIMAL(10, 2)"`. An argument written `T | None` sees NULL; where
another one is NULL the function is not called and gives NULL. An exception fails the row with its message.
See README.md for how it is built.
"""

import datetime
import decimal
import inspect
import json
import re
import types
import typing
from itertools import accumulate, repeat
from struct import pack, unpack_from

from componentize_py_types import Err

_EPOCH = datetime.datetime(1970, 1, 1)
_UTC = datetime.timezone.utc
_DAY = _EPOCH.date().toordinal()

# Code of ABI.md, and the letter of memoryview.cast for values of fixed width.
_CODES = {
    "BOOLEAN": (1, None), "TINYINT": (2, "b"), "SMALLINT": (3, "h"), "INT": (4, "i"), "BIGINT": (5, "q"), "FLOAT": (6, "f"),
    "DOUBLE": (7, "d"), "DECIMAL": (8, None), "STRING": (9, None), "BYTES": (10, None), "DATE": (11, "i"), "TIME": (12, "i"),
    "TIMESTAMP": (13, "q"), "TIMESTAMP_LTZ": (14, "q"),
}
_OF_PYTHON = {
    bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "STRING", bytes: "BYTES", datetime.date: "DATE", datetime.time: "TIME",
    datetime.datetime: "TIMESTAMP(3)",
}


class _Type:
    """An SQL type with its way from and to columns."""

    def __init__(self, sql):
        match = re.fullmatch(r"\s*([A-Z_]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", sql.upper())
        name = {"VARCHAR": "STRING", "CHAR": "STRING", "VARBINARY": "BYTES", "INTEGER": "INT"}.get(match and match[1], match and match[1])
        if name not in _CODES:
            raise TypeError(f"{sql!r} is not an SQL type that Python functions can have")
        self.sql, self.name = sql, name
        self.code, self.letter = _CODES[name]
        first, second = match[2] and int(match[2]), int(match[3] or 0)
        self.scale = second
        if name == "DECIMAL":
            first = first or 10
            self.parameter = first * 256 + second
        else:
            self.parameter = (6 if first is None else first) if name.startswith("TIMESTAMP") else 0
        # Units of a TIMESTAMP's number in a second.
        self.units = 10**3 if self.parameter <= 3 else 10**6 if self.parameter <= 6 else 10**9

    def read(self, column):
        """All values of a column, None for NULL."""
        data, n = column.data, column.length
        if self.letter:
            values = data.cast(self.letter).tolist()
        elif self.name == "BOOLEAN":
            values = [bool(data[i >> 3] >> (i & 7) & 1) for i in range(n)]
        elif self.name == "DECIMAL":
            unscaled = (int.from_bytes(data[i : i + 16], "little", signed=True) for i in range(0, 16 * n, 16))
            values = [decimal.Decimal(v).scaleb(-self.scale) for v in unscaled]
        else:
            ends, bytes_ = column.offsets, bytes(data)
            values = [bytes_[ends[i] : ends[i + 1]] for i in range(n)]
            if self.name == "STRING":
                values = [v.decode() for v in values]
        convert = _FROM.get(self.name)
        if convert:
            values = [convert(self, v) for v in values]
        if column.validity:
            bits = column.validity
            values = [v if bits[i >> 3] >> (i & 7) & 1 else None for i, v in enumerate(values)]
        return values

    def write(self, values):
        """The words of a result's column and what they refer to: validity, offsets and data."""
        n, validity, offsets = len(values), b"", b""
        if None in values:
            validity = _bits(v is not None for v in values)
        if self.name in ("STRING", "BYTES"):
            empty = "" if self.name == "STRING" else b""
            parts = [empty if v is None else v for v in values] if validity else values
            if self.name == "STRING":
                data = "".join(parts).encode()
                lengths = map(len, parts) if len(data) == sum(map(len, parts)) else (len(p.encode()) for p in parts)
            else:
                data, lengths = b"".join(parts), map(len, parts)
            offsets = pack(f"<{n + 1}i", 0, *accumulate(lengths))
        elif self.name == "BOOLEAN":
            data = _bits(values)
        elif self.name == "DECIMAL":
            data = b"".join((0 if v is None else _unscaled(self, v)).to_bytes(16, "little", signed=True) for v in values)
        else:
            convert = _TO.get(self.name)
            if convert:
                values = [0 if v is None else convert(self, v) for v in values]
            elif validity:
                values = [0 if v is None else v for v in values]
            data = pack(f"<{n}{self.letter}", *values)
        return self.code, self.parameter, n, validity, offsets, data


def _result(columns):
    """A result: wm_result, a wm_column for each column, and what they refer to, addresses from the first byte."""
    rows = columns[0][2]
    words, parts = [32, len(columns), rows, 0, 0, 0, 0, 0], []
    at = 32 + 64 * len(columns)
    for code, parameter, n, validity, offsets, data in columns:
        places = []
        for part in (validity, offsets, data):
            places.append(at if part else 0)
            parts += (part, bytes(_up(len(part)) - len(part)))
            at += _up(len(part))
        words += (code, 0, n, 0xFFFFFFFF, *places, len(data), 0, 0, parameter, 0, 0, 0, 0, 0)
    return b"".join((pack(f"<{len(words)}I", *words), *parts))


class _Column:
    """An argument: wm_column."""

    def __init__(self, view, at):
        self.code, flags, self.length, _, validity, offsets, data, data_bytes, _, _, self.parameter = unpack_from("<11I", view, at)
        self.constant = bool(flags & 1)
        self.validity = view[validity : validity + (self.length + 7) // 8] if validity else None
        self.offsets = view[offsets : offsets + 4 * (self.length + 1)].cast("i") if offsets else None
        self.data = view[data : data + data_bytes]


def _up(size):
    return (size + 7) // 8 * 8


def _bits(flags):
    bits = bytearray()
    flags = list(flags)
    for i in range(0, len(flags), 8):
        byte = 0
        for j, flag in enumerate(flags[i : i + 8]):
            if flag:
                byte |= 1 << j
        bits.append(byte)
    return bytes(bits)


def _unscaled(ty, value):
    return int(decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-ty.scale), decimal.ROUND_HALF_UP).scaleb(ty.scale))


def _datetime(ty, value):
    seconds, rest = divmod(value, ty.units)
    return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=rest * 10**6 // ty.units)


def _since_epoch(ty, value):
    if value.tzinfo:
        value = value.astimezone(_UTC).replace(tzinfo=None)
    return (value - _EPOCH) // datetime.timedelta(microseconds=1) * ty.units // 10**6


_FROM = {
    "DATE": lambda ty, v: datetime.date.fromordinal(min(max(v + _DAY, 1), 3652059)),
    "TIME": lambda ty, v: (_EPOCH + datetime.timedelta(milliseconds=v)).time(),
    "TIMESTAMP": _datetime,
    "TIMESTAMP_LTZ": lambda ty, v: _datetime(ty, v).replace(tzinfo=_UTC),
}
_TO = {
    "DATE": lambda ty, v: v.toordinal() - _DAY,
    "TIME": lambda ty, v: ((v.hour * 60 + v.minute) * 60 + v.second) * 1000 + v.microsecond // 1000,
    "TIMESTAMP": _since_epoch,
    "TIMESTAMP_LTZ": _since_epoch,
}

_functions = {}


class _Function:
    kind = "scalar"

    def __init__(self, function, name):
        self.function, self.name = function, name
        signature = inspect.signature(function)
        self.arguments = []
        for argument in signature.parameters.values():
            ty, optional = _of_annotation(argument.annotation, f"argument {argument.name!r} of {name}()")
            self.arguments.append((argument.name, ty, optional))
        self.take_result(signature.return_annotation)

    def take_result(self, annotation):
        self.returns, _ = _of_annotation(annotation, f"the result of {self.name}()")

    def description(self):
        arguments = [{"name": n, "type": ty.sql} for n, ty, _ in self.arguments]
        return {"name": self.name, "kind": self.kind, "arguments": arguments, "returns": self.described_result()}

    def described_result(self):
        return self.returns.sql

    def call(self, rows, columns):
        return _result([self.returns.write(self.results(rows, columns))])

    def results(self, rows, columns):
        """What the function gives for each row, None where it is not called."""
        if len(columns) != len(self.arguments):
            raise ValueError(f"{self.name}() takes {len(self.arguments)} arguments, {len(columns)} came")
        lists, strict = [], []
        for column, (name, ty, optional) in zip(columns, self.arguments):
            if column.code != ty.code:
                raise ValueError(f"argument {name!r} of {self.name}() is {ty.sql}, a column of type {column.code} came")
            ty = ty if column.parameter == ty.parameter or not ty.parameter else _at(ty, column.parameter)
            values = ty.read(column)
            if column.constant:
                if values[0] is None and not optional:
                    return [None] * rows
                values = repeat(values[0], rows)
            elif column.validity and not optional:
                strict.append(values)
            lists.append(values)
        function = self.function
        if not lists:
            return [function() for _ in range(rows)]
        if strict:
            skipped = [None in row for row in zip(*strict)]
            return [None if skip else function(*row) for skip, row in zip(skipped, zip(*lists))]
        return list(map(function, *lists))


class _TableFunction(_Function):
    kind = "table"

    def __init__(self, function, name, columns):
        self.columns = []
        for column in columns:
            name_of_it, _, ty = column.strip().partition(" ")
            if not ty:
                raise TypeError(f'a column of {name}() is written with its name and type, as "word STRING", not {column!r}')
            self.columns.append((name_of_it, _Type(ty)))
        if not self.columns:
            raise TypeError(f"{name}() gives no column: @wasmill.table('word STRING')")
        super().__init__(function, name)

    def take_result(self, annotation):
        pass

    def described_result(self):
        return [{"name": n, "type": ty.sql} for n, ty in self.columns]

    def call(self, rows, columns):
        # A generator fails where its rows are taken, not where it is called.
        parents, given = [], []
        for row, rows_of_it in enumerate(self.results(rows, columns)):
            for values in rows_of_it or ():
                values = values if isinstance(values, tuple) else (values,)
                if len(values) != len(self.columns):
                    raise ValueError(f"{self.name}() gave {len(values)} values for {len(self.columns)} columns")
                parents.append(row)
                given.append(values)
        lists = zip(*given) if given else [()] * len(self.columns)
        return _result([_PARENT.write(parents)] + [ty.write(list(values)) for (_, ty), values in zip(self.columns, lists)])


_PARENT = _Type("INT")


def _at(ty, parameter):
    """The same type with the precision that the column has."""
    other = _Type(ty.sql)
    other.parameter = parameter
    if ty.name == "DECIMAL":
        other.scale = parameter % 256
    other.units = 10**3 if parameter <= 3 else 10**6 if parameter <= 6 else 10**9
    return other


def _of_annotation(annotation, what):
    optional = False
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [p for p in typing.get_args(annotation) if p is not type(None)]
        optional, annotation = True, parts[0] if len(parts) == 1 else None
    if isinstance(annotation, str):
        text = annotation.strip()
        if text.endswith("| None"):
            optional, text = True, text[: -len("| None")].strip()
        return _Type(text), optional
    if annotation is decimal.Decimal:
        raise TypeError(f'{what}: write a DECIMAL with its digits, as "DECIMAL(10, 2)"')
    if annotation not in _OF_PYTHON:
        raise TypeError(f"{what} needs a type: bool, int, float, str, bytes, a date or time, or an SQL type as text")
    return _Type(_OF_PYTHON[annotation]), optional


def scalar(function=None, *, name=None):
    """Makes a function one that SQL can call; it stays as it is."""
    if function is None:
        return lambda f: scalar(f, name=name)
    described = _Function(function, name or function.__name__)
    _functions[described.name] = described
    return function


def table(*columns, name=None):
    """Makes a generator a table function: @wasmill.table("word STRING", "place INT"). It yields a tuple for each row, or a value for one
    column."""

    def decorate(function):
        described = _TableFunction(function, name or function.__name__, columns)
        _functions[described.name] = described
        return function

    return decorate


class WasmillFunctions:
    """What the component exports; the application's module names it `Functions`."""

    def describe(self) -> str:
        return "".join(json.dumps(f.description()) + "\n" for f in _functions.values())

    def call(self, name: str, batch: bytes) -> bytes:
        function = _functions.get(name)
        if function is None:
            raise Err(f"there is no function {name!r}; there are {', '.join(_functions)}")
        try:
            view = memoryview(batch)
            rows, count, at, _ = unpack_from("<4I", view)
            return function.call(rows, [_Column(view, at + 64 * i) for i in range(count)])
        except Exception as e:
            where = ""
            trace = e.__traceback__
            while trace and trace.tb_next:
                trace = trace.tb_next
            if trace and trace.tb_frame.f_globals.get("__name__") != __name__:
                where = f" (line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name})"
            raise Err(f"{type(e).__name__}: {e}{where}") from None
