// An online model: linear regression by stochastic gradient descent, which predicts a row and then learns from it.
//   CREATE MODEL regression INPUT (a DOUBLE, b DOUBLE) OUTPUT (y DOUBLE) LANGUAGE WASM USING FILE 'online.wasm';
//   SELECT * FROM ML_PREDICT(TABLE t, MODEL regression, DESCRIPTOR(a, b), LABELS => DESCRIPTOR(truth));
// `regression` predicts and learns in one call, `regression_by_row` leaves the engine to go row by row.
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

#define INPUTS_MAX 64
#define RATE 0.0625
static struct {
  wm_u32 version, inputs;
  double bias, weights[INPUTS_MAX];
} model = {1, 0, 0, {0}};

static double predicted(const wm_batch *in, wm_u32 row) {
  double sum = model.bias;
  for (wm_u32 c = 0; c < model.inputs; c++) sum += model.weights[c] * wm_double(&in->columns[c], row);
  return sum;
}
static int has_null(const wm_batch *in, wm_u32 columns, wm_u32 row) {
  for (wm_u32 c = 0; c < columns; c++)
    if (wm_is_null(&in->columns[c], row)) return 1;
  return 0;
}
static void learn(const wm_batch *in, wm_u32 row) {
  if (has_null(in, in->column_count, row)) return;
  double step = RATE * (wm_double(&in->columns[model.inputs], row) - predicted(in, row));
  model.bias += step;
  for (wm_u32 c = 0; c < model.inputs; c++) model.weights[c] += step * wm_double(&in->columns[c], row);
}
// Predicts every row, and learns from each behind its prediction where `learns`.
static wm_u32 go(const wm_batch *in, wm_result *out, wm_u32 inputs, int learns) {
  if (inputs > INPUTS_MAX) return wm_fail(out, "more than 64 inputs");
  model.inputs = inputs;
  double *y = wm_values(out->columns, sizeof(double));
  if (!y) return wm_fail(out, "no memory for the result");
  for (wm_u32 row = 0; row < in->rows; row++) {
    if (has_null(in, inputs, row)) wm_set_null(out->columns, row);
    else y[row] = predicted(in, row);
    if (learns) learn(in, row);
  }
  return 0;
}

WASMILL_MODEL_PREDICT(regression) { return go(in, out, in->column_count, 0); }
WASMILL_MODEL_PREDICT_LEARN(regression) { return go(in, out, in->column_count - 1, 1); }
WASMILL_MODEL_LEARN(regression) {
  (void)out;
  model.inputs = in->column_count - 1;
  for (wm_u32 row = 0; row < in->rows; row++) learn(in, row);
  return 0;
}
WASMILL_MODEL_SNAPSHOT(regression) {
  char *bytes = wm_texts(out->columns, sizeof(model));
  if (!bytes) return wm_fail(out, "no memory for the snapshot");
  __builtin_memcpy(bytes, &model, sizeof(model));
  out->columns->offsets[1] = sizeof(model);
  return 0;
}
WASMILL_MODEL_RESTORE(regression) {
  wm_u32 version = 0;
  if (bytes == sizeof(model)) __builtin_memcpy(&version, snapshot, sizeof(version));
  if (version != 1) return wm_fail(out, "the snapshot is of another version of regression");
  __builtin_memcpy(&model, snapshot, sizeof(model));
  return 0;
}

WASMILL_MODEL_PREDICT(regression_by_row) { return regression__predict__cols(in, out); }
WASMILL_MODEL_LEARN(regression_by_row) { return regression__learn(in, out); }
WASMILL_MODEL_SNAPSHOT(regression_by_row) { return regression__snapshot(out); }
WASMILL_MODEL_RESTORE(regression_by_row) { return regression__restore(snapshot, bytes, out); }
