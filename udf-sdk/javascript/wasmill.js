// Functions for wasmill in JavaScript: describe them with their SQL types, export what `module` gives.
//
//   import { module, scalar } from './wasmill.js';
//   export const functions = module([
//     scalar('risk', ['DOUBLE', 'STRING'], 'DOUBLE', (amount, country) => (country === 'ZZ' ? null : amount / 1000)),
//   ]);
//
// BOOLEAN is a boolean; TINYINT, SMALLINT, INT, FLOAT and DOUBLE are numbers; BIGINT is a BigInt; STRING is a string; BYTES is a
// Uint8Array; DECIMAL is a string of its digits; DATE, TIMESTAMP and TIMESTAMP_LTZ are Dates (in UTC); TIME is milliseconds since midnight. NULL is
// null. A function is not called for rows with a NULL argument unless it says { nulls: true }. An exception fails the row
// with its message.

const CODES = {
  BOOLEAN: 1, TINYINT: 2, SMALLINT: 3, INT: 4, BIGINT: 5, FLOAT: 6, DOUBLE: 7, DECIMAL: 8, STRING: 9, BYTES: 10, DATE: 11, TIME: 12,
  TIMESTAMP: 13, TIMESTAMP_LTZ: 14,
};
const ARRAYS = {
  TINYINT: Int8Array, SMALLINT: Int16Array, INT: Int32Array, BIGINT: BigInt64Array, FLOAT: Float32Array, DOUBLE: Float64Array, DATE: Int32Array,
  TIME: Int32Array, TIMESTAMP: BigInt64Array, TIMESTAMP_LTZ: BigInt64Array,
};
const ALIASES = { VARCHAR: 'STRING', CHAR: 'STRING', VARBINARY: 'BYTES', INTEGER: 'INT' };
const DAY = 86400000;
const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

// A typed array over bytes, copied where they are not aligned.
function view(bytes, Type) {
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Type(aligned.buffer, aligned.byteOffset, bytes.byteLength / Type.BYTES_PER_ELEMENT);
}

// An argument: the wm_column at `at` of a batch.
function argument(batch, words, at) {
  const [code, flags, length, , validity, offsets, data, dataBytes, , , parameter] = words.subarray(at / 4, at / 4 + 11);
  const part = (address, bytes) => (address ? batch.subarray(address, address + bytes) : new Uint8Array(0));
  return {
    code, length, parameter, constant: (flags & 1) === 1,
    validity: part(validity, Math.ceil(length / 8)), offsets: part(offsets, 4 * (length + 1)), data: part(data, dataBytes),
  };
}

// A result: wm_result, a wm_column for each column, and what they refer to.
function result(columns) {
  const up = (size) => Math.ceil(size / 8) * 8;
  let end = 32 + 64 * columns.length;
  const places = columns.map(({ validity, offsets, data }) => [validity, offsets, data].map((part) => {
    const at = end;
    end += up(part.length);
    return at;
  }));
  const bytes = new Uint8Array(end);
  const words = new Uint32Array(bytes.buffer, 0, 8 + 16 * columns.length);
  words.set([32, columns.length, columns[0].length]);
  columns.forEach(({ code, parameter, length, validity, offsets, data }, i) => {
    const [validityAt, offsetsAt, dataAt] = places[i];
    words.set(
      [code, 0, length, 0xffffffff, validity.length ? validityAt : 0, offsets.length ? offsetsAt : 0, dataAt, data.length, 0, 0, parameter],
      8 + 16 * i,
    );
    bytes.set(validity, validityAt);
    bytes.set(offsets, offsetsAt);
    bytes.set(data, dataAt);
  });
  return bytes;
}
const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const bit = (bits, i) => (bits[i >> 3] >> (i & 7)) & 1;

// Milliseconds from a timestamp's number and back.
function fromTimestamp(value, precision) {
  return Number(precision <= 3 ? value : precision <= 6 ? floorDiv(value, 1000n) : floorDiv(value, 1000000n));
}
function toTimestamp(ms, precision) {
  return BigInt(ms) * (precision <= 3 ? 1n : precision <= 6 ? 1000n : 1000000n);
}
const floorDiv = (a, b) => (a - (((a % b) + b) % b)) / b;

function decimalText(low, high, scale) {
  const value = (high << 64n) + low;
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const text = scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return value < 0n ? `-${text}` : text;
}
function unscaled(text, scale) {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(String(text).trim());
  if (!match || (match[3] || '').replace(/0+$/, '').length > scale) throw new Error(`${text} is no DECIMAL with ${scale} decimals`);
  const value = BigInt(match[2] + (match[3] || '').slice(0, scale).padEnd(scale, '0'));
  return match[1] === '-' ? -value : value;
}

function parseType(sql) {
  const match = /^\s*([A-Za-z_]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$/.exec(sql);
  const upper = match && match[1].toUpperCase();
  const name = ALIASES[upper] || upper;
  if (!CODES[name]) throw new Error(`'${sql}' is not an SQL type that JavaScript functions can have`);
  const first = match[2] === undefined ? (name === 'DECIMAL' ? 10 : 6) : Number(match[2]);
  const scale = Number(match[3] || 0);
  const parameter = name === 'DECIMAL' ? first * 256 + scale : name.startsWith('TIMESTAMP') ? first : 0;
  return { sql, name, code: CODES[name], parameter };
}

// A function from a row's number to its value.
function reader(column, type) {
  const { data, constant, validity, parameter } = column;
  const at = constant ? () => 0 : (i) => i;
  let get;
  switch (type.name) {
    case 'BOOLEAN': get = (i) => bit(data, i) === 1; break;
    case 'STRING': case 'BYTES': {
      const offsets = view(column.offsets, Int32Array);
      get = type.name === 'STRING'
        ? (i) => utf8.decode(data.subarray(offsets[i], offsets[i + 1]))
        : (i) => data.slice(offsets[i], offsets[i + 1]);
      break;
    }
    case 'DECIMAL': {
      const [low, high] = [view(data, BigUint64Array), view(data, BigInt64Array)];
      get = (i) => decimalText(low[2 * i], high[2 * i + 1], parameter % 256);
      break;
    }
    default: {
      const values = view(data, ARRAYS[type.name]);
      if (type.name === 'DATE') get = (i) => new Date(values[i] * DAY);
      else if (type.name.startsWith('TIMESTAMP')) get = (i) => new Date(fromTimestamp(values[i], parameter));
      else get = (i) => values[i];
    }
  }
  if (!validity.length) return constant ? (() => { const value = column.length ? get(0) : null; return () => value; })() : get;
  return (i) => (bit(validity, at(i)) ? get(at(i)) : null);
}

function writer(type, rows) {
  let validity = new Uint8Array(0);
  const setNull = (i) => {
    if (!validity.length) validity = new Uint8Array(Math.ceil(rows / 8)).fill(255);
    validity[i >> 3] &= ~(1 << (i & 7));
  };
  let [put, data, offsets] = [null, null, new Uint8Array(0)];
  let finish = () => bytesOf(data);
  switch (type.name) {
    case 'BOOLEAN':
      data = new Uint8Array(Math.ceil(rows / 8));
      put = (i, value) => { if (value) data[i >> 3] |= 1 << (i & 7); };
      break;
    case 'STRING': case 'BYTES': {
      const ends = new Int32Array(rows + 1);
      let [bytes, end] = [new Uint8Array(1024 + 16 * rows), 0];
      const room = (more) => {
        if (end + more <= bytes.length) return;
        const larger = new Uint8Array(Math.max(2 * bytes.length, end + more));
        larger.set(bytes);
        bytes = larger;
      };
      put = type.name === 'STRING'
        ? (i, value) => { const text = String(value); room(3 * text.length); end += toUtf8.encodeInto(text, bytes.subarray(end)).written; ends[i + 1] = end; }
        : (i, value) => { room(value.length); bytes.set(value, end); end += value.length; ends[i + 1] = end; };
      const putNull = setNull;
      offsets = bytesOf(ends);
      finish = () => bytes.subarray(0, end);
      return { put, putNull: (i) => { putNull(i); ends[i + 1] = end; }, column: () => column() };
    }
    case 'DECIMAL': {
      const words = new BigInt64Array(2 * rows);
      data = words;
      put = (i, value) => {
        const number = unscaled(value, type.parameter % 256);
        words[2 * i] = BigInt.asIntN(64, number);
        words[2 * i + 1] = BigInt.asIntN(64, number >> 64n);
      };
      break;
    }
    default: {
      const values = new ARRAYS[type.name](rows);
      data = values;
      if (type.name === 'DATE') put = (i, value) => { values[i] = Math.floor(value.getTime() / DAY); };
      else if (type.name.startsWith('TIMESTAMP')) put = (i, value) => { values[i] = toTimestamp(value.getTime(), type.parameter); };
      else if (type.name === 'BIGINT') put = (i, value) => { values[i] = BigInt(value); };
      else put = (i, value) => { values[i] = value; };
    }
  }
  function column() {
    return { code: type.code, parameter: type.parameter, length: rows, constant: false, validity, offsets, data: finish() };
  }
  return { put, putNull: setNull, column };
}

// Describes a function: its name, the SQL types of its arguments and result, and what it does.
export function scalar(name, argumentTypes, returns, run, { nulls = false } = {}) {
  return { name, types: argumentTypes.map(parseType), returns: parseType(returns), run, nulls };
}

// The same for a table function: the columns of its result are written 'word STRING'; `run` gives an iterable, such as a generator is, of
// rows, each an array of values, or a value for one column.
export function table(name, argumentTypes, columns, run, { nulls = false } = {}) {
  const parts = columns.map((column) => {
    const [, part, sql] = /^\s*(\w+)\s+(.+)$/.exec(column) || [];
    if (!sql) throw new Error(`a column of ${name} is written with its name and type, as 'word STRING', not '${column}'`);
    return { name: part, type: parseType(sql) };
  });
  return { name, types: argumentTypes.map(parseType), columns: parts, run, nulls };
}

// The rows of a table function over a batch; column 0 says which row of the batch each belongs to.
function rowsOf(f, readers, rows, mayBeNull) {
  const given = [];
  const parents = [];
  for (let i = 0; i < rows; i++) {
    const row = readers.map((r) => r(i));
    if (mayBeNull && row.includes(null)) continue;
    for (const values of f.run(...row) ?? []) {
      const list = Array.isArray(values) ? values : [values];
      if (list.length !== f.columns.length) throw new Error(`${f.name} gave ${list.length} values for ${f.columns.length} columns`);
      given.push(list);
      parents.push(i);
    }
  }
  const write = (type, value) => {
    const written = writer(type, given.length);
    for (let i = 0; i < given.length; i++) {
      const v = value(i);
      if (v === null || v === undefined) written.putNull(i);
      else written.put(i, v);
    }
    return written.column();
  };
  return [write(parseType('INT'), (i) => parents[i]), ...f.columns.map((c, j) => write(c.type, (i) => given[i][j]))];
}

// What the component exports, as `functions`.
export function module(all) {
  const byName = new Map(all.map((f) => [f.name, f]));
  return {
    describe() {
      const line = (f) => JSON.stringify({
        name: f.name, kind: f.columns ? 'table' : 'scalar', arguments: f.types.map((t) => t.sql),
        returns: f.columns ? f.columns.map((c) => ({ name: c.name, type: c.type.sql })) : f.returns.sql,
      });
      return all.map((f) => `${line(f)}\n`).join('');
    },
    call(name, batch) {
      const f = byName.get(name);
      if (!f) throw `there is no function '${name}'; there are ${[...byName.keys()].join(', ')}`;
      const words = view(batch.subarray(0, 16 + 64 * (f.types.length + 1)), Uint32Array);
      const [rows, count, at] = words;
      const columns = count === f.types.length ? f.types.map((_, i) => argument(batch, words, at + 64 * i)) : [];
      const wrong = columns.length !== f.types.length || columns.some((c, i) => c.code !== f.types[i].code);
      if (wrong) throw `${name} takes (${f.types.map((t) => t.sql).join(', ')})`;
      try {
        const readers = columns.map((c, i) => reader(c, f.types[i]));
        const mayBeNull = !f.nulls && columns.some((c) => c.validity.length > 0);
        if (f.columns) return result(rowsOf(f, readers, rows, mayBeNull));
        const written = writer(f.returns, rows);
        const { run } = f;
        const one = readers.length === 1 ? (i) => run(readers[0](i)) : readers.length === 2 ? (i) => run(readers[0](i), readers[1](i)) : null;
        for (let i = 0; i < rows; i++) {
          let value;
          if (one && !mayBeNull) value = one(i);
          else {
            const row = readers.map((r) => r(i));
            value = mayBeNull && row.includes(null) ? null : run(...row);
          }
          if (value === null || value === undefined) written.putNull(i);
          else written.put(i, value);
        }
        return result([written.column()]);
      } catch (error) {
        throw error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      }
    },
  };
}
