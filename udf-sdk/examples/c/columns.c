// Column functions: whole batches, NULLs seen and given.
//   CREATE FUNCTION blend(a DOUBLE, b DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'columns.wasm';
//   CREATE FUNCTION or_else(a STRING, b STRING) RETURNS STRING LANGUAGE WASM USING FILE 'columns.wasm';
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

// 0.7a + b/(1+|a|) + 0.25·max(b, 0); NULL where either is.
WASMILL_COLUMN_FUNCTION(blend) {
  const wm_column *a = &in->columns[0], *b = &in->columns[1];
  double *result = wm_values(out->columns, sizeof(double));
  if (!result) return wm_fail(out, "no memory for the result");
  if (!(a->flags & WM_CONSTANT) && !(b->flags & WM_CONSTANT)) {
    const double *x = a->data, *y = b->data;
    for (wm_u32 i = 0; i < in->rows; i++)
      result[i] = 0.7 * x[i] + y[i] / (1.0 + __builtin_fabs(x[i])) + 0.25 * (y[i] > 0.0 ? y[i] : 0.0);
  } else {
    for (wm_u32 i = 0; i < in->rows; i++) {
      double x = wm_double(a, i), y = wm_double(b, i);
      result[i] = 0.7 * x + y / (1.0 + __builtin_fabs(x)) + 0.25 * (y > 0.0 ? y : 0.0);
    }
  }
  if (a->null_count || b->null_count)
    for (wm_u32 i = 0; i < in->rows; i++)
      if (wm_is_null(a, i) || wm_is_null(b, i)) wm_set_null(out->columns, i);
  return 0;
}

// `a`, or `b` where `a` is NULL.
WASMILL_COLUMN_FUNCTION(or_else) {
  wm_u32 bytes = 0, length;
  for (wm_u32 i = 0; i < in->rows; i++) {
    const wm_column *from = &in->columns[wm_is_null(&in->columns[0], i)];
    if (wm_is_null(from, i)) continue;
    wm_text(from, i, &length);
    bytes += length;
  }
  char *text = wm_texts(out->columns, bytes);
  if (!text) return wm_fail(out, "no memory for the result");
  wm_u32 end = 0;
  for (wm_u32 i = 0; i < in->rows; i++) {
    const wm_column *from = &in->columns[wm_is_null(&in->columns[0], i)];
    if (wm_is_null(from, i)) {
      wm_set_null(out->columns, i);
    } else {
      const char *bytes_of_row = wm_text(from, i, &length);
      __builtin_memcpy(text + end, bytes_of_row, length);
      end += length;
    }
    out->columns->offsets[i + 1] = (wm_i32)end;
  }
  return 0;
}
