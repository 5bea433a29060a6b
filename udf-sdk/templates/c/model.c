// A model for wasmill. With WASMILL_MODEL_LOAD it is made from a file, WITH ('artifact' = '…').
#define WASMILL_COLUMNS
#include "wasmill.h"

// A line through the origin, learnt row by row: its slope is the mean of y / x.
WASMILL_DESCRIBE({"name": "line", "kind": "model", "arguments": [{"name": "x", "type": "DOUBLE"}], "returns": [{"name": "y", "type": "DOUBLE"}]});
static struct {
  wm_u32 version, seen;
  double slope;
} line = {1, 0, 0};

WASMILL_MODEL_PREDICT(line) {
  double *y = wm_values(out->columns, sizeof *y);
  if (!y) return wm_fail(out, "no memory for the result");
  for (wm_u32 row = 0; row < in->rows; row++) {
    if (wm_is_null(&in->columns[0], row)) wm_set_null(out->columns, row);
    else y[row] = line.slope * wm_double(&in->columns[0], row);
  }
  return 0;
}
// A model that learns has a snapshot and takes it again: the engine's checkpoints keep what it learnt.
WASMILL_MODEL_LEARN(line) {
  (void)out;
  for (wm_u32 row = 0; row < in->rows; row++) {
    if (wm_is_null(&in->columns[0], row)) continue;
    double x = wm_double(&in->columns[0], row), y = wm_double(&in->columns[1], row);
    if (x != 0) line.slope += (y / x - line.slope) / (double)++line.seen;
  }
  return 0;
}
WASMILL_MODEL_SNAPSHOT(line) {
  char *bytes = wm_texts(out->columns, sizeof line);
  if (!bytes) return wm_fail(out, "no memory for the snapshot");
  __builtin_memcpy(bytes, &line, sizeof line);
  out->columns->offsets[1] = sizeof line;
  return 0;
}
WASMILL_MODEL_RESTORE(line) {
  if (bytes != sizeof line || *(const wm_u32 *)snapshot != 1) return wm_fail(out, "this is no snapshot of version 1");
  __builtin_memcpy(&line, snapshot, sizeof line);
  return 0;
}
