// A process function for wasmill: the rows of each key with state and timers, which the engine keeps.
#define WASMILL_COLUMNS
#include "wasmill.h"

#define QUIET_MS (10 * 60 * 1000)

// The sum of a key's payments so far with each of them; ten minutes after the last one it begins anew.
WASMILL_DESCRIBE({"name": "running", "kind": "process", "arguments": [{"name": "amount", "type": "DOUBLE"}],
                  "returns": [{"name": "total", "type": "DOUBLE"}],
                  "state": [{"name": "total", "type": "DOUBLE", "kind": "value", "ttl": "1 d"}]});

WASMILL_PROCESS(running) {
  wm_u32 keys = state->rows, rows = in->rows;
  // out[0]: a row for each row. out[1]: the state of every key, first as it is, then changed in place. out[2]: timers.
  wm_i32 *parent = wm_room(out, 0, 0, rows, sizeof *parent);
  double *given = wm_room(out, 0, 1, rows, sizeof *given);
  wm_i32 *key = wm_room(out, 1, 0, keys, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, keys, sizeof *fields);
  double *total = wm_room(out, 1, 2, keys, sizeof *total);
  wm_i32 *of = wm_room(out, 2, 0, rows, sizeof *of);
  char *names = wm_room_texts(out, 2, 1, rows, rows);
  wm_i64 *times = wm_room(out, 2, 2, rows, sizeof *times);
  wm_i32 *clocks = wm_room(out, 2, 3, rows, sizeof *clocks);
  if (!parent || !given || !key || !fields || !total || !of || !names || !times || !clocks) return wm_fail(out, "no memory");
  for (wm_u32 k = 0; k < keys; k++) {
    key[k] = (wm_i32)k;
    fields[k] = 1; // field 0 is written
    total[k] = wm_is_null(&state->columns[0], k) ? 0 : wm_double(&state->columns[0], k);
  }
  wm_u32 timers = 0;
  for (wm_u32 row = 0; row < rows; row++) {
    wm_u32 k = wm_key(in, row);
    if (!wm_is_null(&in->columns[2], row)) total[k] += wm_double(&in->columns[2], row);
    parent[row] = (wm_i32)row;
    given[row] = total[k];
    if (wm_is_null(&in->columns[1], row)) continue; // the call has no time
    of[timers] = (wm_i32)row;
    names[timers] = 'q'; // a timer of this name is replaced
    out[2].columns[1].offsets[timers + 1] = (wm_i32)timers + 1;
    times[timers] = wm_time(in, row) + QUIET_MS;
    clocks[timers++] = WM_EVENT_TIME;
  }
  wm_rows(&out[0], rows);
  wm_rows(&out[1], keys);
  wm_rows(&out[2], timers);
  return 0;
}

WASMILL_TIMER(running) {
  (void)state;
  wm_i32 *key = wm_room(out, 1, 0, in->rows, sizeof *key);
  wm_i64 *fields = wm_room(out, 1, 1, in->rows, sizeof *fields);
  if (!key || !fields || !wm_room(out, 1, 2, in->rows, sizeof(double))) return wm_fail(out, "no memory");
  for (wm_u32 row = 0; row < in->rows; row++) {
    key[row] = (wm_i32)wm_key(in, row);
    fields[row] = 1;
    wm_set_null(&out[1].columns[2], row);
  }
  wm_rows(&out[1], in->rows);
  return 0;
}
