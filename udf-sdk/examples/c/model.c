// A model: a linear one, whose artifact is text, "bias weight weight …".
//   CREATE MODEL linear INPUT (a DOUBLE, b DOUBLE) OUTPUT (score DOUBLE, positive BOOLEAN)
//   LANGUAGE WASM USING FILE 'model.wasm' WITH ('artifact' = 'linear.txt');
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

#define WEIGHTS_MAX 64
static double bias, weights[WEIGHTS_MAX];
static wm_u32 weight_count;

// A decimal number without exponent; gives the bytes that it has, or 0.
static wm_u32 number(const char *text, wm_u32 bytes, double *value) {
  wm_u32 i = 0, digits = 0;
  int negative = bytes && text[0] == '-';
  i += (wm_u32)negative;
  double whole = 0, scale = 1;
  for (; i < bytes && text[i] >= '0' && text[i] <= '9'; i++, digits++) whole = whole * 10 + (text[i] - '0');
  if (i < bytes && text[i] == '.')
    for (i++; i < bytes && text[i] >= '0' && text[i] <= '9'; i++, digits++) {
      whole = whole * 10 + (text[i] - '0');
      scale *= 10;
    }
  *value = (negative ? -whole : whole) / scale;
  return digits ? i : 0;
}

WASMILL_MODEL_LOAD(linear) {
  wm_u32 at = 0, count = 0;
  while (at < bytes) {
    if (artifact[at] == ' ' || artifact[at] == '\n') {
      at++;
      continue;
    }
    double value;
    wm_u32 length = number(artifact + at, bytes - at, &value);
    if (!length) return wm_fail(out, "the artifact is not a list of numbers");
    if (count == WEIGHTS_MAX + 1) return wm_fail(out, "the artifact has more than 64 weights");
    if (count) weights[count - 1] = value;
    else bias = value;
    count++;
    at += length;
  }
  if (count < 2) return wm_fail(out, "the artifact has no weights");
  weight_count = count - 1;
  return 0;
}

WASMILL_MODEL_PREDICT(linear) {
  if (in->column_count != weight_count) return wm_fail(out, "the artifact has another number of weights than INPUT has columns");
  double *score = wm_values_of(out, 0, sizeof(double));
  wm_u8 *positive = wm_values_of(out, 1, 1);
  if (!score || !positive) return wm_fail(out, "no memory for the result");
  out->columns[1].data_bytes = (in->rows + 7) / 8;
  for (wm_u32 i = 0; i < (in->rows + 7) / 8; i++) positive[i] = 0;
  for (wm_u32 row = 0; row < in->rows; row++) {
    double sum = bias;
    int null = 0;
    for (wm_u32 c = 0; c < weight_count; c++) {
      if (wm_is_null(&in->columns[c], row)) null = 1;
      else sum += weights[c] * wm_double(&in->columns[c], row);
    }
    score[row] = sum;
    if (sum > 0) positive[row >> 3] |= (wm_u8)(1u << (row & 7));
    if (null) {
      wm_set_null(&out->columns[0], row);
      wm_set_null(&out->columns[1], row);
    }
  }
  return 0;
}
