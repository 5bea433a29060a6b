// An aggregate function for wasmill: its state is plain bytes, one for each group.
#define WASMILL_COLUMNS
#include "wasmill.h"

// The mean of the values that are not NULL; NULL of nothing.
WASMILL_DESCRIBE({"name": "mean", "kind": "aggregate", "arguments": [{"name": "x", "type": "DOUBLE"}], "returns": "DOUBLE"});
typedef struct {
  double sum;
  wm_i64 count;
} mean;
WASMILL_STATE(mean, mean)
WASMILL_INIT(mean) {
  for (wm_u32 i = 0; i < count; i++) WASMILL_GROUP(mean, groups[i]) = (mean){0, 0};
}
static void add(mean *states, const wm_u32 *groups, const wm_batch *in, int sign) {
  for (wm_u32 i = 0; i < in->rows; i++) {
    if (wm_is_null(&in->columns[0], i)) continue;
    states[groups[i]].sum += sign * wm_double(&in->columns[0], i);
    states[groups[i]].count += sign;
  }
}
WASMILL_ACC(mean) {
  (void)out;
  add(states, groups, in, 1);
  return 0;
}
// Rows are taken back: for OVER and for queries that update.
WASMILL_RETRACT(mean) {
  (void)out;
  add(states, groups, in, -1);
  return 0;
}
// Groups become one: for windows that are made of parts.
WASMILL_MERGE(mean) {
  (void)out;
  for (wm_u32 i = 0; i < count; i++) {
    WASMILL_GROUP(mean, into[i]).sum += WASMILL_GROUP(mean, from[i]).sum;
    WASMILL_GROUP(mean, into[i]).count += WASMILL_GROUP(mean, from[i]).count;
  }
  return 0;
}
WASMILL_FINISH(mean) {
  double *means = wm_values(out->columns, sizeof *means);
  if (!means) return wm_fail(out, "no memory for the result");
  for (wm_u32 i = 0; i < count; i++) {
    mean *group = &WASMILL_GROUP(mean, groups[i]);
    if (group->count) means[i] = group->sum / (double)group->count;
    else wm_set_null(out->columns, i);
  }
  return 0;
}
