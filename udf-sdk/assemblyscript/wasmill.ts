// Functions for wasmill in AssemblyScript: texts, NULLs and whole columns. The contract is udf-sdk/ABI.md.
//
//   import { fromText, toText } from "./wasmill";
//   export { wm_abi, wm_alloc, wm_describe, wm_free } from "./wasmill";
//   describe("shout", ["STRING"], "STRING");
//   export function shout(address: usize, length: i32): u64 { return toText(fromText(address, length).toUpperCase()); }
//
// A plain function takes and gives bool, i8 to i64, f32 and f64; a text argument is an address and a length of UTF-8 bytes, a text
// result a u64. It is not called for rows with a NULL argument. Column functions see NULLs: export function f__cols(in: usize, out: usize): u32.
// Build with asc f.ts -O3 --enable simd --runtime incremental --use abort= --exportStart _initialize -o f.wasm

/** A text argument of a plain function. */
// @ts-ignore: decorator
@inline
export function fromText(address: usize, length: i32): string {
  return String.UTF8.decodeUnsafe(address, length, false);
}

/** What a plain function returns for NULL. */
export const NULL_TEXT: u64 = u64.MAX_VALUE;

let lastText: ArrayBuffer = new ArrayBuffer(0);

/** What a plain function returns for STRING. It stays until the next one. */
export function toText(text: string): u64 {
  lastText = String.UTF8.encode(text, false);
  return ((<u64>lastText.byteLength) << 32) | (<u64>changetype<usize>(lastText));
}

let described: string = "";

/** Says what a function takes and gives, as SQL types, so that CREATE FUNCTION may leave the signature out. */
export function describe(name: string, args: string[], returns: string): void {
  let list = "";
  for (let i = 0; i < args.length; i++) list += (i ? ', "' : '"') + args[i] + '"';
  described += '{"name": "' + name + '", "arguments": [' + list + '], "returns": "' + returns + '"}\n';
}

export function wm_describe(): u64 {
  return toText(described);
}

export function wm_abi(): u32 {
  return 1;
}

/** A block for the host, with room before it for where it really begins. */
export function wm_alloc(bytes: u32, alignment: u32): usize {
  const block = heap.alloc(<usize>bytes + alignment + sizeof<usize>());
  const at = (block + sizeof<usize>() + alignment - 1) & ~(<usize>alignment - 1);
  store<usize>(at - sizeof<usize>(), block);
  return at;
}

export function wm_free(address: usize, bytes: u32, alignment: u32): void {
  heap.free(load<usize>(address - sizeof<usize>()));
}

/** `wm_column` of ABI.md. */
@unmanaged
export class Column {
  code: u32;
  flags: u32;
  length: u32;
  nullCount: u32;
  validity: usize;
  offsets: usize;
  data: usize;
  dataBytes: u32;
  children: usize;
  childCount: u32;
  parameter: u32;
  reserved0: u32;
  reserved1: u32;
  reserved2: u32;
  reserved3: u32;
  reserved4: u32;

  /** The row's place among the values: a constant has one for all rows. */
  // @ts-ignore: decorator
  @inline
  at(row: u32): u32 {
    return this.flags & 1 ? 0 : row;
  }
  // @ts-ignore: decorator
  @inline
  isNull(row: u32): bool {
    const i = this.at(row);
    return this.validity != 0 && ((load<u8>(this.validity + (i >> 3)) >> (<u8>(i & 7))) & 1) == 0;
  }
  /** The value of a row: i8 (TINYINT) to i64, f32, f64; DATE and TIME are i32, TIMESTAMP is i64. */
  // @ts-ignore: decorator
  @inline
  value<T>(row: u32): T {
    return load<T>(this.data + <usize>this.at(row) * sizeof<T>());
  }
  // @ts-ignore: decorator
  @inline
  boolean(row: u32): bool {
    const i = this.at(row);
    return ((load<u8>(this.data + (i >> 3)) >> (<u8>(i & 7))) & 1) == 1;
  }
  /** A row of STRING. */
  text(row: u32): string {
    const i = <usize>this.at(row);
    const from = load<i32>(this.offsets + 4 * i), to = load<i32>(this.offsets + 4 * i + 4);
    return String.UTF8.decodeUnsafe(this.data + from, to - from, false);
  }
}

/** `wm_batch` of ABI.md. */
@unmanaged
export class Batch {
  rows: u32;
  columnCount: u32;
  columns: usize;
  reserved: u32;

  column(index: u32): Column {
    return changetype<Column>(this.columns + <usize>index * offsetof<Column>());
  }
}

/** `wm_result` of ABI.md. */
@unmanaged
export class Result {
  columns: usize;
  columnCount: u32;
  rows: u32;
  error: usize;
  errorBytes: u32;

  column(): Column {
    return changetype<Column>(this.columns);
  }
}

// What the host reads after a call.
let keptData: StaticArray<u8> = new StaticArray<u8>(0);
let keptOffsets: StaticArray<i32> = new StaticArray<i32>(0);
let keptValidity: StaticArray<u8> = new StaticArray<u8>(0);
let keptError: ArrayBuffer = new ArrayBuffer(0);

function addressOf<T>(array: StaticArray<T>): usize {
  return changetype<usize>(array);
}

/** Fails the batch with a message: `return fail(out, "no such country")`. */
export function fail(out: usize, message: string): u32 {
  keptError = String.UTF8.encode(message, false);
  const result = changetype<Result>(out);
  result.error = changetype<usize>(keptError);
  result.errorBytes = keptError.byteLength;
  return 1;
}

/** A result column of values of fixed width under construction. */
export class Values<T> {
  private data: StaticArray<u8>;
  private validity: StaticArray<u8> | null = null;
  constructor(private rows: u32) {
    this.data = new StaticArray<u8>(rows * sizeof<T>());
  }
  // @ts-ignore: decorator
  @inline
  put(row: u32, value: T): void {
    store<T>(addressOf(this.data) + <usize>row * sizeof<T>(), value);
  }
  putNull(row: u32): void {
    this.validity = withNull(this.validity, this.rows, row);
  }
  /** Hands the column to the host; the function returns what this gives. */
  give(out: usize): u32 {
    keptData = this.data;
    const column = changetype<Result>(out).column();
    column.data = addressOf(keptData);
    column.dataBytes = keptData.length;
    giveValidity(column, this.validity);
    return 0;
  }
}

/** A BOOLEAN result column under construction. */
export class Booleans {
  private data: StaticArray<u8>;
  private validity: StaticArray<u8> | null = null;
  constructor(private rows: u32) {
    this.data = new StaticArray<u8>((rows + 7) / 8);
  }
  put(row: u32, value: bool): void {
    if (value) this.data[row >> 3] |= <u8>1 << <u8>(row & 7);
  }
  putNull(row: u32): void {
    this.validity = withNull(this.validity, this.rows, row);
  }
  give(out: usize): u32 {
    keptData = this.data;
    const column = changetype<Result>(out).column();
    column.data = addressOf(keptData);
    column.dataBytes = keptData.length;
    giveValidity(column, this.validity);
    return 0;
  }
}

/** A STRING result column under construction; rows are put in their order. */
export class Texts {
  private data: StaticArray<u8>;
  private offsets: StaticArray<i32>;
  private validity: StaticArray<u8> | null = null;
  private end: i32 = 0;
  constructor(private rows: u32) {
    this.data = new StaticArray<u8>(1024 + 16 * rows);
    this.offsets = new StaticArray<i32>(rows + 1);
  }
  put(row: u32, text: string): void {
    const bytes = String.UTF8.byteLength(text, false);
    if (this.end + bytes > this.data.length) {
      const larger = new StaticArray<u8>(max(2 * this.data.length, this.end + bytes));
      memory.copy(addressOf(larger), addressOf(this.data), this.end);
      this.data = larger;
    }
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, addressOf(this.data) + this.end, false);
    this.end += bytes;
    this.offsets[row + 1] = this.end;
  }
  putNull(row: u32): void {
    this.validity = withNull(this.validity, this.rows, row);
    this.offsets[row + 1] = this.end;
  }
  give(out: usize): u32 {
    keptData = this.data;
    keptOffsets = this.offsets;
    const column = changetype<Result>(out).column();
    column.data = addressOf(keptData);
    column.dataBytes = this.end;
    column.offsets = addressOf(keptOffsets);
    giveValidity(column, this.validity);
    return 0;
  }
}

function withNull(validity: StaticArray<u8> | null, rows: u32, row: u32): StaticArray<u8> {
  let bits = validity;
  if (bits == null) {
    bits = new StaticArray<u8>((rows + 7) / 8);
    bits.fill(0xff);
  }
  bits[row >> 3] &= ~(<u8>1 << <u8>(row & 7));
  return bits;
}

function giveValidity(column: Column, validity: StaticArray<u8> | null): void {
  column.nullCount = validity == null ? 0 : u32.MAX_VALUE;
  column.validity = 0;
  if (validity != null) {
    keptValidity = validity;
    column.validity = addressOf(keptValidity);
  }
}
