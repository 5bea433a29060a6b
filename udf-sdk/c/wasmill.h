// wasmill.h: functions and models for wasmill in C. One header, no library; see ../ABI.md for the contract.
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

// ---- The module's own description ----

// Says what a function takes and gives, in the JSON of ABI.md, so that CREATE FUNCTION may leave the signature out:
//   WASMILL_DESCRIBE({"name": "risk", "arguments": ["DOUBLE", "STRING"], "returns": "DOUBLE"});
#define WASMILL_TEXT_OF(...) #__VA_ARGS__
#define WASMILL_LITERAL_OF(text) WASMILL_TEXT_OF(text)
#define WASMILL_DESCRIBE(...) \
  __asm__(".section .custom_section.wasmill.udf,\"\",@\n.ascii " WASMILL_LITERAL_OF(WASMILL_TEXT_OF(__VA_ARGS__)) "\n.byte 10\n.text\n")

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
  WM_ARRAY = 17,           // offsets; children: the elements
  WM_MAP = 18,             // offsets; children: keys, values
  WM_ROW = 19,             // children: the fields
  WM_MULTISET = 20,        // as MAP, the values are wm_i32
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

// ---- Aggregate functions ----
//
//   typedef struct { double sum; wm_i64 count; } mean;
//   WASMILL_STATE(mean, mean)
//   WASMILL_INIT(mean) { for (wm_u32 i = 0; i < count; i++) WASMILL_GROUP(mean, groups[i]) = (mean){0, 0}; }
//   WASMILL_ACC(mean) { … }  WASMILL_FINISH(mean) { … }  and, where they make sense, RETRACT, MERGE, CLEAR, SAVE and LOAD.

// The state of a group is of this type, whose size must be a multiple of 8.
#define WASMILL_STATE(name, type)                                                       \
  _Static_assert(sizeof(type) % 8 == 0, "a state has a multiple of 8 bytes");           \
  __attribute__((export_name(#name "__state_size"))) wm_u32 name##__state_size(void) {  \
    return sizeof(type);                                                                \
  }
// The state of group `group`, inside the functions below.
#define WASMILL_GROUP(type, group) (((type *)states)[group])
#define WASMILL_INIT(name) \
  __attribute__((export_name(#name "__init"))) void name##__init(void *states, const wm_u32 *groups, wm_u32 count)
#define WASMILL_CLEAR(name) \
  __attribute__((export_name(#name "__clear"))) void name##__clear(void *states, const wm_u32 *groups, wm_u32 count)
// Row i of `in` belongs to group groups[i].
#define WASMILL_ACC(name)                             \
  __attribute__((export_name(#name "__acc"))) wm_u32  \
  name##__acc(void *states, const wm_u32 *groups, const wm_batch *in, wm_result *out)
#define WASMILL_RETRACT(name)                             \
  __attribute__((export_name(#name "__retract"))) wm_u32  \
  name##__retract(void *states, const wm_u32 *groups, const wm_batch *in, wm_result *out)
// Adds what group from[i] holds to group into[i].
#define WASMILL_MERGE(name)                             \
  __attribute__((export_name(#name "__merge"))) wm_u32  \
  name##__merge(void *states, const wm_u32 *into, const wm_u32 *from, wm_u32 count, wm_result *out)
// Fills out->columns[0], row i with the result of group groups[i].
#define WASMILL_FINISH(name)                             \
  __attribute__((export_name(#name "__finish"))) wm_u32  \
  name##__finish(void *states, const wm_u32 *groups, wm_u32 count, wm_result *out)
#define WASMILL_SAVE(name)                             \
  __attribute__((export_name(#name "__save"))) wm_u32  \
  name##__save(void *states, const wm_u32 *groups, wm_u32 count, wm_result *out)
#define WASMILL_LOAD(name)                             \
  __attribute__((export_name(#name "__load"))) wm_u32  \
  name##__load(void *states, const wm_u32 *groups, const wm_batch *in, wm_result *out)

// ---- Models ----

#define WASMILL_MODEL_LOAD(name)                       \
  __attribute__((export_name(#name "__load"))) wm_u32  \
  name##__load(const char *artifact, wm_u32 bytes, wm_result *out)
#define WASMILL_MODEL_PREDICT(name)                             \
  __attribute__((export_name(#name "__predict__cols"))) wm_u32  \
  name##__predict__cols(const wm_batch *in, wm_result *out)

// A model that learns: the INPUT columns, then the labels.
#define WASMILL_MODEL_LEARN(name) \
  __attribute__((export_name(#name "__learn"))) wm_u32 name##__learn(const wm_batch *in, wm_result *out)
// Predicts each row, and learns from it where no label is NULL.
#define WASMILL_MODEL_PREDICT_LEARN(name)                             \
  __attribute__((export_name(#name "__predict_learn__cols"))) wm_u32  \
  name##__predict_learn__cols(const wm_batch *in, wm_result *out)
#define WASMILL_MODEL_SNAPSHOT(name) \
  __attribute__((export_name(#name "__snapshot"))) wm_u32 name##__snapshot(wm_result *out)
#define WASMILL_MODEL_RESTORE(name)                       \
  __attribute__((export_name(#name "__restore"))) wm_u32  \
  name##__restore(const char *snapshot, wm_u32 bytes, wm_result *out)

// ---- Process functions ----
//
//   WASMILL_PROCESS(quiet) { … for each row of `in`: key row wm_key(in, row), time wm_time(in, row), arguments from column 2 … }
//   WASMILL_TIMER(quiet)   { … the same for timers, whose names are column 2 … }
//
// `state` has a row a key and a column a field. Three results: out[0] rows (column 0: the row of `in`), out[1] what is written of
// the state (columns 0: key row, rising, and 1: a bit a field; then the fields), out[2] changes of timers (row of `in`, name or
// NULL, time or NULL for none any more, WM_EVENT_TIME or WM_PROCESSING_TIME). Ask for room with wm_room and wm_room_texts, and say
// with wm_rows how many rows there are.

#define WASMILL_PROCESS(name)                          \
  __attribute__((export_name(#name "__process"))) wm_u32 \
  name##__process(const wm_batch *in, const wm_batch *state, wm_result *out)
#define WASMILL_TIMER(name)                          \
  __attribute__((export_name(#name "__timer"))) wm_u32 \
  name##__timer(const wm_batch *in, const wm_batch *state, wm_result *out)

enum wm_clock { WM_EVENT_TIME = 0, WM_PROCESSING_TIME = 1 };
#define wm_key(in, row) ((wm_u32)wm_int(&(in)->columns[0], row))
#define wm_time(in, row) wm_bigint(&(in)->columns[1], row)

// ---- Reading and writing columns ----

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
// The same for column `i`, below WM_RESULT_COLUMNS_MAX, of a function with several; of a table function, set out->rows first.
#define WM_RESULT_COLUMNS_MAX 32
void *wm_values_of(wm_result *out, wm_u32 i, wm_u32 bytes_per_value);
char *wm_texts_of(wm_result *out, wm_u32 i, wm_u32 bytes);
// The same for column `i` of result `which` of several, for at most `rows` rows; then say how many there are. A child of an ARRAY,
// MAP or ROW is asked for by wm_room_of_child (`i` is below WM_RESULT_COLUMNS_MAX, and another one for each child).
#define WM_RESULTS_MAX 3
void *wm_room(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows, wm_u32 bytes_per_value);
char *wm_room_texts(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows, wm_u32 bytes);
wm_i32 *wm_room_lists(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows);
void *wm_room_of_child(wm_column *child, wm_u32 which, wm_u32 i, wm_u32 values, wm_u32 bytes_per_value);
char *wm_room_of_text_child(wm_column *child, wm_u32 which, wm_u32 i, wm_u32 values, wm_u32 bytes);
static inline void wm_rows(wm_result *result, wm_u32 rows) {
  result->rows = rows;
  for (wm_u32 i = 0; i < result->column_count; i++) {
    wm_column *column = &result->columns[i];
    if (column->offsets && !column->child_count) column->data_bytes = (wm_u32)column->offsets[rows];
    else if (column->length) column->data_bytes = column->data_bytes / column->length * rows;
    column->length = rows;
  }
}
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
static struct { void *block; wm_u32 bytes; } wm_kept[3 * WM_RESULT_COLUMNS_MAX * WM_RESULTS_MAX];
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
static int wm_all_valid(wm_column *column, int which) {
  wm_u32 bytes = (column->length + 7) / 8;
  column->validity = wm_keep(which, bytes ? bytes : 1);
  if (!column->validity) return 0;
  for (wm_u32 i = 0; i < bytes; i++) column->validity[i] = 0xff;
  column->null_count = WM_NULLS_UNKNOWN;
  return 1;
}
static void *wm_values_at(wm_column *column, int which, wm_u32 bytes_per_value) {
  column->data_bytes = column->length * bytes_per_value;
  column->data = wm_keep(which + 1, column->data_bytes ? column->data_bytes : 1);
  return column->data && wm_all_valid(column, which) ? column->data : 0;
}
static char *wm_texts_at(wm_column *column, int which, wm_u32 bytes) {
  column->data_bytes = bytes;
  column->data = wm_keep(which + 1, bytes ? bytes : 1);
  column->offsets = wm_keep(which + 2, 4 * (column->length + 1));
  if (!column->data || !column->offsets) return 0;
  column->offsets[0] = 0;
  return wm_all_valid(column, which) ? column->data : 0;
}
void *wm_values(wm_column *column, wm_u32 bytes_per_value) { return wm_values_at(column, 0, bytes_per_value); }
char *wm_texts(wm_column *column, wm_u32 bytes) { return wm_texts_at(column, 0, bytes); }
void *wm_values_of(wm_result *out, wm_u32 i, wm_u32 bytes_per_value) {
  out->columns[i].length = out->rows;
  return wm_values_at(&out->columns[i], 3 * (int)i, bytes_per_value);
}
char *wm_texts_of(wm_result *out, wm_u32 i, wm_u32 bytes) {
  out->columns[i].length = out->rows;
  return wm_texts_at(&out->columns[i], 3 * (int)i, bytes);
}
static int wm_place(wm_u32 which, wm_u32 i) { return 3 * (int)(which * WM_RESULT_COLUMNS_MAX + i); }
void *wm_room_of_child(wm_column *child, wm_u32 which, wm_u32 i, wm_u32 values, wm_u32 bytes_per_value) {
  child->length = values;
  return wm_values_at(child, wm_place(which, i), bytes_per_value);
}
char *wm_room_of_text_child(wm_column *child, wm_u32 which, wm_u32 i, wm_u32 values, wm_u32 bytes) {
  child->length = values;
  return wm_texts_at(child, wm_place(which, i), bytes);
}
void *wm_room(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows, wm_u32 bytes_per_value) {
  return wm_room_of_child(&out[which].columns[i], which, i, rows, bytes_per_value);
}
char *wm_room_texts(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows, wm_u32 bytes) {
  return wm_room_of_text_child(&out[which].columns[i], which, i, rows, bytes);
}
wm_i32 *wm_room_lists(wm_result *out, wm_u32 which, wm_u32 i, wm_u32 rows) {
  wm_column *column = &out[which].columns[i];
  column->length = rows;
  column->offsets = wm_keep(wm_place(which, i) + 2, 4 * (rows + 1));
  if (!column->offsets || !wm_all_valid(column, wm_place(which, i))) return 0;
  column->offsets[0] = 0;
  return column->offsets;
}

#endif
#endif
