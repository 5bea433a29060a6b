// Process functions: rows of a key, with state and timers.
//   CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE 'process.wasm';
//   SELECT * FROM quiet(input => TABLE payments PARTITION BY card ORDER BY ts);
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

#define QUIET_MS (10 * 60 * 1000)

// Ten minutes after the last payment of a card: how many there were since the card was quiet last, and their sum.
WASMILL_DESCRIBE({"name": "quiet", "kind": "process", "arguments": [{"name": "amount", "type": "DOUBLE"}],
                  "returns": [{"name": "payments", "type": "BIGINT"}, {"name": "total", "type": "DOUBLE"}],
                  "state": [{"name": "payments", "type": "BIGINT", "kind": "value"},
                            {"name": "total", "type": "DOUBLE", "kind": "value"}]});

WASMILL_PROCESS(quiet) {
  wm_u32 keys = state->rows, rows = in->rows;
  // The state of every key of the call is written: first as it is, then changed in place.
  wm_i32 *key = wm_room(out, 1, 0, keys, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, keys, sizeof *fields);
  wm_i64 *payments = wm_room(out, 1, 2, keys, sizeof *payments);
  double *total = wm_room(out, 1, 3, keys, sizeof *total);
  wm_i32 *of = wm_room(out, 2, 0, rows, sizeof *of);
  char *names = wm_room_texts(out, 2, 1, rows, 5 * rows);
  wm_i64 *times = wm_room(out, 2, 2, rows, sizeof *times);
  wm_i32 *clocks = wm_room(out, 2, 3, rows, sizeof *clocks);
  if (!key || !fields || !payments || !total || !of || !names || !times || !clocks) return wm_fail(out, "no memory");
  for (wm_u32 k = 0; k < keys; k++) {
    key[k] = (wm_i32)k;
    fields[k] = 3;
    payments[k] = wm_is_null(&state->columns[0], k) ? 0 : wm_bigint(&state->columns[0], k);
    total[k] = wm_is_null(&state->columns[1], k) ? 0 : wm_double(&state->columns[1], k);
  }
  for (wm_u32 row = 0; row < rows; row++) {
    wm_u32 k = wm_key(in, row);
    payments[k]++;
    if (!wm_is_null(&in->columns[2], row)) total[k] += wm_double(&in->columns[2], row);
    // The timer of that name is replaced.
    of[row] = (wm_i32)row;
    __builtin_memcpy(names + 5 * row, "quiet", 5);
    out[2].columns[1].offsets[row + 1] = 5 * (wm_i32)(row + 1);
    times[row] = wm_time(in, row) + QUIET_MS;
    clocks[row] = WM_EVENT_TIME;
  }
  wm_rows(&out[1], keys);
  wm_rows(&out[2], rows);
  return 0;
}

WASMILL_TIMER(quiet) {
  wm_u32 rows = in->rows;
  wm_i32 *parent = wm_room(out, 0, 0, rows, sizeof *parent);
  wm_i64 *payments = wm_room(out, 0, 1, rows, sizeof *payments);
  double *total = wm_room(out, 0, 2, rows, sizeof *total);
  wm_i32 *key = wm_room(out, 1, 0, rows, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, rows, sizeof *fields);
  if (!parent || !payments || !total || !key || !fields) return wm_fail(out, "no memory");
  if (!wm_room(out, 1, 2, rows, sizeof(wm_i64)) || !wm_room(out, 1, 3, rows, sizeof(double))) return wm_fail(out, "no memory");
  for (wm_u32 row = 0; row < rows; row++) {
    wm_u32 k = wm_key(in, row);
    parent[row] = (wm_i32)row;
    payments[row] = wm_bigint(&state->columns[0], k);
    total[row] = wm_double(&state->columns[1], k);
    // Begins anew: both fields are NULL. The key rows rise, as each has one timer in a call.
    key[row] = (wm_i32)k;
    fields[row] = 3;
    wm_set_null(&out[1].columns[2], row);
    wm_set_null(&out[1].columns[3], row);
  }
  wm_rows(&out[0], rows);
  wm_rows(&out[1], rows);
  return 0;
}

// The merchants that a card paid for the first time, or for the first time again since it paid nowhere new for an hour, and how many
// they are.
WASMILL_DESCRIBE({"name": "merchants", "kind": "process", "arguments": [{"name": "merchant", "type": "STRING"}],
                  "returns": [{"name": "merchant", "type": "STRING"}, {"name": "number", "type": "BIGINT"}],
                  "state": [{"name": "seen", "type": "MAP<STRING, BIGINT>", "kind": "map", "ttl": "1 h"}]});

static int same(const char *a, wm_u32 a_bytes, const char *b, wm_u32 b_bytes) {
  if (a_bytes != b_bytes) return 0;
  for (wm_u32 i = 0; i < a_bytes; i++)
    if (a[i] != b[i]) return 0;
  return 1;
}

WASMILL_PROCESS(merchants) {
  wm_u32 keys = state->rows, rows = in->rows, length;
  const wm_column *merchant = &in->columns[2], *seen = &state->columns[0], *names = &seen->children[0];
  wm_i32 *parent = wm_room(out, 0, 0, rows, sizeof *parent);
  wm_u32 bytes = 0;
  for (wm_u32 row = 0; row < rows; row++)
    if (!wm_is_null(merchant, row)) wm_text(merchant, row, &length), bytes += length;
  char *texts = wm_room_texts(out, 0, 1, rows, bytes);
  wm_i64 *number = wm_room(out, 0, 2, rows, sizeof *number);
  if (!parent || !texts || !number) return wm_fail(out, "no memory");
  // Result rows are the new merchants: those of a key are linked, the last first.
  wm_i32 *before = wm_alloc(4 * (rows + keys), 64);
  if (!before) return wm_fail(out, "no memory");
  wm_i32 *last = before + rows;
  wm_u32 given = 0, end = 0;
  for (wm_u32 k = 0; k < keys; k++) last[k] = -1;
  for (wm_u32 row = 0; row < rows; row++) {
    if (wm_is_null(merchant, row)) continue;
    wm_u32 k = wm_key(in, row), old = 0, other;
    const char *text = wm_text(merchant, row, &length);
    int known = 0;
    if (!wm_is_null(seen, k)) {
      for (wm_i32 i = seen->offsets[k]; i < seen->offsets[k + 1] && !known; i++) {
        const char *name = wm_text(names, (wm_u32)i, &other);
        known = same(text, length, name, other);
      }
      old = (wm_u32)(seen->offsets[k + 1] - seen->offsets[k]);
    }
    wm_u32 fresh = 0;
    for (wm_i32 i = last[k]; i >= 0 && !known; i = before[i], fresh++) {
      const char *name = wm_text(&out[0].columns[1], (wm_u32)i, &other);
      known = same(text, length, name, other);
    }
    if (known) continue;
    parent[given] = (wm_i32)row;
    __builtin_memcpy(texts + end, text, length);
    end += length;
    out[0].columns[1].offsets[given + 1] = (wm_i32)end;
    number[given] = (wm_i64)(old + fresh + 1);
    before[given] = last[k];
    last[k] = (wm_i32)given++;
  }
  wm_rows(&out[0], given);

  // The maps of the keys that saw something new: what was there, then the new ones, with their numbers.
  wm_u32 changed = 0, entries = 0, name_bytes = 0;
  for (wm_u32 k = 0; k < keys; k++) {
    if (last[k] < 0) continue;
    changed++;
    if (!wm_is_null(seen, k)) {
      entries += (wm_u32)(seen->offsets[k + 1] - seen->offsets[k]);
      name_bytes += (wm_u32)(names->offsets[seen->offsets[k + 1]] - names->offsets[seen->offsets[k]]);
    }
  }
  entries += given;
  name_bytes += end;
  wm_i32 *key = wm_room(out, 1, 0, changed, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, changed, sizeof *fields);
  wm_i32 *maps = wm_room_lists(out, 1, 2, changed);
  wm_column *children = out[1].columns[2].children;
  char *map_names = wm_room_of_text_child(&children[0], 1, 3, entries, name_bytes);
  wm_i64 *map_numbers = wm_room_of_child(&children[1], 1, 4, entries, sizeof *map_numbers);
  if (!key || !fields || !maps || !map_names || !map_numbers) return wm_fail(out, "no memory");
  wm_u32 next = 0, entry = 0;
  end = 0;
  for (wm_u32 k = 0; k < keys; k++) {
    if (last[k] < 0) continue;
    wm_u32 first = entry;
    if (!wm_is_null(seen, k)) {
      for (wm_i32 i = seen->offsets[k]; i < seen->offsets[k + 1]; i++, entry++) {
        const char *name = wm_text(names, (wm_u32)i, &length);
        __builtin_memcpy(map_names + end, name, length);
        end += length;
        children[0].offsets[entry + 1] = (wm_i32)end;
        map_numbers[entry] = (wm_i64)(entry - first + 1);
      }
    }
    for (wm_i32 i = last[k]; i >= 0; i = before[i], entry++) {
      const char *name = wm_text(&out[0].columns[1], (wm_u32)i, &length);
      __builtin_memcpy(map_names + end, name, length);
      end += length;
      children[0].offsets[entry + 1] = (wm_i32)end;
      map_numbers[entry] = (wm_i64)(entry - first + 1);
    }
    key[next] = (wm_i32)k;
    fields[next] = 1;
    maps[++next] = (wm_i32)entry;
  }
  wm_rows(&out[1], changed);
  wm_free(before, 4 * (rows + keys), 64);
  return 0;
}

// Every minute of event time from a row on, until the key had no row for three of them: how many rows there were in the minute.
WASMILL_DESCRIBE({"name": "heartbeat", "kind": "process", "arguments": [],
                  "returns": [{"name": "rows", "type": "INT"}],
                  "state": [{"name": "rows", "type": "INT", "kind": "value"}, {"name": "silent", "type": "INT", "kind": "value"}]});

#define MINUTE_MS 60000

static wm_i32 or_zero(const wm_column *column, wm_u32 row) { return wm_is_null(column, row) ? 0 : wm_int(column, row); }

static int heartbeat_state(const wm_batch *state, wm_result *out, wm_i32 **rows, wm_i32 **silent) {
  wm_u32 keys = state->rows;
  wm_i32 *key = wm_room(out, 1, 0, keys, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, keys, sizeof *fields);
  *rows = wm_room(out, 1, 2, keys, sizeof(wm_i32));
  *silent = wm_room(out, 1, 3, keys, sizeof(wm_i32));
  if (!key || !fields || !*rows || !*silent) return 0;
  for (wm_u32 k = 0; k < keys; k++) {
    key[k] = (wm_i32)k;
    fields[k] = 3;
    (*rows)[k] = or_zero(&state->columns[0], k);
    (*silent)[k] = or_zero(&state->columns[1], k);
  }
  wm_rows(&out[1], keys);
  return 1;
}

static int heartbeat_timer(const wm_batch *in, wm_u32 row, wm_result *out, wm_u32 at, wm_i64 time) {
  ((wm_i32 *)out[2].columns[0].data)[at] = (wm_i32)row;
  ((char *)out[2].columns[1].data)[at] = 'm';
  out[2].columns[1].offsets[at + 1] = (wm_i32)at + 1;
  ((wm_i64 *)out[2].columns[2].data)[at] = time;
  ((wm_i32 *)out[2].columns[3].data)[at] = WM_EVENT_TIME;
  (void)in;
  return 1;
}

static int heartbeat_timers(const wm_batch *in, wm_result *out) {
  return wm_room(out, 2, 0, in->rows, 4) && wm_room_texts(out, 2, 1, in->rows, in->rows) && wm_room(out, 2, 2, in->rows, 8) &&
         wm_room(out, 2, 3, in->rows, 4);
}

WASMILL_PROCESS(heartbeat) {
  wm_i32 *rows, *silent;
  wm_u32 timers = 0;
  if (!heartbeat_state(state, out, &rows, &silent) || !heartbeat_timers(in, out)) return wm_fail(out, "no memory");
  for (wm_u32 row = 0; row < in->rows; row++) {
    wm_u32 k = wm_key(in, row);
    // `silent` is 0 where the heart does not beat, else one more than the minutes without a row.
    if (silent[k] == 0) heartbeat_timer(in, row, out, timers++, wm_time(in, row) + MINUTE_MS);
    rows[k]++;
    silent[k] = 1;
  }
  wm_rows(&out[2], timers);
  return 0;
}

WASMILL_TIMER(heartbeat) {
  wm_i32 *rows, *silent;
  wm_i32 *parent = wm_room(out, 0, 0, in->rows, sizeof *parent), *given = wm_room(out, 0, 1, in->rows, sizeof *given);
  wm_u32 timers = 0;
  if (!parent || !given || !heartbeat_state(state, out, &rows, &silent) || !heartbeat_timers(in, out))
    return wm_fail(out, "no memory");
  for (wm_u32 row = 0; row < in->rows; row++) {
    wm_u32 k = wm_key(in, row);
    parent[row] = (wm_i32)row;
    given[row] = rows[k];
    silent[k] = rows[k] ? 1 : silent[k] + 1;
    rows[k] = 0;
    if (silent[k] > 3) silent[k] = 0;
    else heartbeat_timer(in, row, out, timers++, wm_time(in, row) + MINUTE_MS);
  }
  wm_rows(&out[0], in->rows);
  wm_rows(&out[2], timers);
  return 0;
}
