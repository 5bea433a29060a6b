// wasmill.h: functions for wasmill in C. One header, no library; see ../ABI.md for the contract.
//
//   #include "wasmill.h"
//   WASMILL_EXPORT(risk) double risk(double amount, double average) { return amount / (1 + average); }
//
//   python -m ziglang cc --target=wasm32-freestanding -O3 -mcpu=baseline+simd128 -nostdlib -Wl,--no-entry -o risk.wasm risk.c
//
// A plain function as above is called for each row whose arguments are not NULL. Texts come as address and length and are
// given as a wasmill_text. A column function (WASMILL_COLUMN_FUNCTION) sees whole batches and NULLs; define
// WASMILL_COLUMNS before including the header in one file of the module for the exports that it needs.
#ifndef WASMILL_H
#define WASMILL_H

typedef signed char wm_i8;
typedef unsigned char wm_u8;
typedef short wm_i16;
typedef int wm_i32;
typedef unsigned int wm_u32;
typedef long long wm_i64;
typedef unsigned long long wm_u64;

#define WASMILL_EXPORT(name) __attribute__((export_name(#name)))

// ---- Texts of plain functions ----

// What a plain function returns for STRING and BYTES: the length above the address. The bytes must stay as they are until
// the next call; the host copies them at once.
typedef wm_u64 wasmill_text;
#define WASMILL_NULL_TEXT ((wasmill_text)-1)
static inline wasmill_text wasmill_make_text(const char *bytes, wm_u32 length) {
  return (wasmill_text)length << 32 | (wm_u32)(__UINTPTR_TYPE__)bytes;
}

// ---- Memory ----

void *wm_alloc(wm_u32 bytes, wm_u32 alignment);
void wm_free(void *block, wm_u32 bytes, wm_u32 alignment);

// ---- Column functions ----

enum wm_type {
  WM_BOOLEAN = 1,      // bits, the first row in the lowest bit
  WM_TINYINT = 2,      // wm_i8
  WM_SMALLINT = 3,     // wm_i16
  WM_INT = 4,          // wm_i32
  WM_BIGINT = 5,       // wm_i64
  WM_FLOAT = 6,        // float
  WM_DOUBLE = 7,       // double
  WM_DECIMAL = 8,      // 128 bits, unscaled; parameter = precision << 8 | scale
  WM_STRING = 9,       // UTF-8; offsets
  WM_BYTES = 10,       // offsets
  WM_DATE = 11,        // wm_i32, days since 1970-01-01
  WM_TIME = 12,        // wm_i32, ms since midnight
  WM_TIMESTAMP = 13,   // wm_i64 since 1970-01-01; parameter = precision: 0-3 ms, 4-6 µs, 7-9 ns
  WM_TIMESTAMP_LTZ = 14,
  WM_INTERVAL_MONTHS = 15, // wm_i32
  WM_INTERVAL_MS = 16,     // wm_i64
};

#define WM_CONSTANT 1u             // flags: one value stands for all rows
#define WM_NULLS_UNKNOWN 0xffffffffu // null_count: the host counts

typedef struct wm_column {
  wm_u32 type, flags, length, null_count;
  wm_u8 *validity; // a bit a row, set where there is a value; 0 where no row is NULL
  wm_i32 *offsets; // length + 1, for STRING and BYTES
  void *data;
  wm_u32 data_bytes;
  struct wm_column *children;
  wm_u32 child_count, parameter, reserved[5];
} wm_column;

typedef struct wm_batch {
  wm_u32 rows, column_count;
  const wm_column *columns;
  wm_u32 reserved;
} wm_batch;

typedef struct wm_result {
  wm_column *columns;
  wm_u32 column_count, rows;
  const char *error;
  wm_u32 error_bytes, reserved[3];
} wm_result;

_Static_assert(sizeof(void *) == 4, "build for wasm32");
_Static_assert(sizeof(wm_column) == 64, "wm_column has 64 bytes");
_Static_assert(sizeof(wm_batch) == 16 && sizeof(wm_result) == 32, "as in ABI.md");

// Defines the column function `name`: { … } with `in` and `out`; returns 0, or an error code.
#define WASMILL_COLUMN_FUNCTION(name) \
  __attribute__((export_name(#name "__cols"))) wm_u32 name##__cols(const wm_batch *in, wm_result *out)

// The row's place in a column: a constant has one value for all rows.
static inline wm_u32 wm_index(const wm_column *column, wm_u32 row) { return column->flags & WM_CONSTANT ? 0 : row; }
static inline int wm_is_null(const wm_column *column, wm_u32 row) {
  wm_u32 i = wm_index(column, row);
  return column->validity && !(column->validity[i >> 3] >> (i & 7) & 1);
}
static inline int wm_bool(const wm_column *column, wm_u32 row) {
  wm_u32 i = wm_index(column, row);
  return ((const wm_u8 *)column->data)[i >> 3] >> (i & 7) & 1;
}
static inline wm_i32 wm_int(const wm_column *column, wm_u32 row) {
  return ((const wm_i32 *)column->data)[wm_index(column, row)];
}
static inline wm_i64 wm_bigint(const wm_column *column, wm_u32 row) {
  return ((const wm_i64 *)column->data)[wm_index(column, row)];
}
static inline double wm_double(const wm_column *column, wm_u32 row) {
  return ((const double *)column->data)[wm_index(column, row)];
}
// The text's first byte; its length goes to `length`.
static inline const char *wm_text(const wm_column *column, wm_u32 row, wm_u32 *length) {
  wm_u32 i = wm_index(column, row);
  *length = (wm_u32)(column->offsets[i + 1] - column->offsets[i]);
  return (const char *)column->data + column->offsets[i];
}

// Fails the batch with a message, a literal: `return wm_fail(out, "no such country");`.
#define wm_fail(out, message) ((out)->error = (message), (out)->error_bytes = sizeof(message) - 1, 1u)

// Room for the values of a result column of fixed width, and for its NULLs (all rows set to have a value). It stays valid
// until the next call of a function of this module. 0 where there is no memory.
void *wm_values(wm_column *column, wm_u32 bytes_per_value);
// Room for a text column of `bytes` bytes in all: fill data and offsets.
char *wm_texts(wm_column *column, wm_u32 bytes);
// Makes a row of a result column NULL, after wm_values or wm_texts.
static inline void wm_set_null(wm_column *column, wm_u32 row) { column->validity[row >> 3] &= (wm_u8)~(1u << (row & 7)); }

#ifdef WASMILL_COLUMNS

WASMILL_EXPORT(wm_abi) wm_u32 wm_abi(void) { return 1; }

extern wm_u8 __heap_base;

// Blocks for the host, which asks for few and large ones: taken from the end of the memory, given back only when they are
// the last one.
static wm_u32 wm_heap_end;
static int wm_reserve(wm_u32 end) {
  wm_u32 has = (wm_u32)__builtin_wasm_memory_size(0) << 16;
  if (end <= has) return 1;
  return __builtin_wasm_memory_grow(0, (end - has + 0xffff) >> 16) != (__SIZE_TYPE__)-1;
}
WASMILL_EXPORT(wm_alloc) void *wm_alloc(wm_u32 bytes, wm_u32 alignment) {
  if (!wm_heap_end) wm_heap_end = (wm_u32)(__UINTPTR_TYPE__)&__heap_base;
  wm_u32 at = (wm_heap_end + alignment - 1) & ~(alignment - 1);
  if (at < wm_heap_end || at + bytes < at || !wm_reserve(at + bytes)) return 0;
  wm_heap_end = at + bytes;
  return (void *)(__UINTPTR_TYPE__)at;
}
WASMILL_EXPORT(wm_free) void wm_free(void *block, wm_u32 bytes, wm_u32 alignment) {
  (void)alignment;
  if ((wm_u32)(__UINTPTR_TYPE__)block + bytes == wm_heap_end) wm_heap_end -= bytes;
}

// Results lie in blocks that are kept from call to call and grow when needed.
static struct { void *block; wm_u32 bytes; } wm_kept[3];
static void *wm_keep(int which, wm_u32 bytes) {
  if (wm_kept[which].bytes < bytes) {
    if (wm_kept[which].bytes) wm_free(wm_kept[which].block, wm_kept[which].bytes, 64);
    wm_u32 size = 4096;
    while (size < bytes && size < 0x80000000u) size *= 2;
    wm_kept[which].block = wm_alloc(size, 64);
    wm_kept[which].bytes = wm_kept[which].block ? size : 0;
  }
  return wm_kept[which].bytes ? wm_kept[which].block : 0;
}
static int wm_all_valid(wm_column *column) {
  wm_u32 bytes = (column->length + 7) / 8;
  column->validity = wm_keep(0, bytes ? bytes : 1);
  if (!column->validity) return 0;
  for (wm_u32 i = 0; i < bytes; i++) column->validity[i] = 0xff;
  column->null_count = WM_NULLS_UNKNOWN;
  return 1;
}
void *wm_values(wm_column *column, wm_u32 bytes_per_value) {
  column->data_bytes = column->length * bytes_per_value;
  column->data = wm_keep(1, column->data_bytes ? column->data_bytes : 1);
  return wm_all_valid(column) ? column->data : 0;
}
char *wm_texts(wm_column *column, wm_u32 bytes) {
  column->data_bytes = bytes;
  column->data = wm_keep(1, bytes ? bytes : 1);
  column->offsets = wm_keep(2, 4 * (column->length + 1));
  if (!column->data || !column->offsets) return 0;
  column->offsets[0] = 0;
  return wm_all_valid(column) ? column->data : 0;
}

#endif
#endif
