// Aggregate functions.
//   CREATE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'aggregates.wasm';
//   CREATE AGGREGATE FUNCTION weighted_mean(x DOUBLE, weight DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'aggregates.wasm';
//   CREATE AGGREGATE FUNCTION longest(text STRING) RETURNS STRING LANGUAGE WASM USING FILE 'aggregates.wasm';
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

// total: as SUM. Its state is plain bytes, and rows can be taken back.
typedef struct {
  double sum;
  wm_i64 count;
} total;
WASMILL_STATE(total, total)
WASMILL_INIT(total) {
  for (wm_u32 i = 0; i < count; i++) WASMILL_GROUP(total, groups[i]) = (total){0, 0};
}
static wm_u32 total_add(total *states, const wm_u32 *groups, const wm_batch *in, double sign) {
  const wm_column *x = &in->columns[0];
  if (x->null_count == 0 && !(x->flags & WM_CONSTANT)) {
    const double *values = x->data;
    for (wm_u32 i = 0; i < in->rows; i++) {
      states[groups[i]].sum += sign * values[i];
      states[groups[i]].count += (wm_i64)sign;
    }
    return 0;
  }
  for (wm_u32 i = 0; i < in->rows; i++) {
    if (wm_is_null(x, i)) continue;
    states[groups[i]].sum += sign * wm_double(x, i);
    states[groups[i]].count += (wm_i64)sign;
  }
  return 0;
}
WASMILL_ACC(total) {
  (void)out;
  return total_add(states, groups, in, 1);
}
WASMILL_RETRACT(total) {
  (void)out;
  return total_add(states, groups, in, -1);
}
WASMILL_MERGE(total) {
  (void)out;
  for (wm_u32 i = 0; i < count; i++) {
    WASMILL_GROUP(total, into[i]).sum += WASMILL_GROUP(total, from[i]).sum;
    WASMILL_GROUP(total, into[i]).count += WASMILL_GROUP(total, from[i]).count;
  }
  return 0;
}
WASMILL_FINISH(total) {
  double *result = wm_values(out->columns, sizeof(double));
  if (!result) return wm_fail(out, "no memory for the result");
  for (wm_u32 i = 0; i < count; i++) {
    result[i] = WASMILL_GROUP(total, groups[i]).sum;
    if (WASMILL_GROUP(total, groups[i]).count == 0) wm_set_null(out->columns, i);
  }
  return 0;
}

// weighted_mean: refuses negative weights. Without retract and merge, for TUMBLE windows and streams that only add rows.
typedef struct {
  double sum, weight;
} weighted_mean;
WASMILL_STATE(weighted_mean, weighted_mean)
WASMILL_INIT(weighted_mean) {
  for (wm_u32 i = 0; i < count; i++) WASMILL_GROUP(weighted_mean, groups[i]) = (weighted_mean){0, 0};
}
WASMILL_ACC(weighted_mean) {
  const wm_column *x = &in->columns[0], *weight = &in->columns[1];
  for (wm_u32 i = 0; i < in->rows; i++) {
    if (wm_is_null(x, i) || wm_is_null(weight, i)) continue;
    if (wm_double(weight, i) < 0) return wm_fail(out, "a weight is negative");
    weighted_mean *state = &WASMILL_GROUP(weighted_mean, groups[i]);
    state->sum += wm_double(x, i) * wm_double(weight, i);
    state->weight += wm_double(weight, i);
  }
  return 0;
}
WASMILL_FINISH(weighted_mean) {
  double *result = wm_values(out->columns, sizeof(double));
  if (!result) return wm_fail(out, "no memory for the result");
  for (wm_u32 i = 0; i < count; i++) {
    const weighted_mean *state = &WASMILL_GROUP(weighted_mean, groups[i]);
    result[i] = state->weight > 0 ? state->sum / state->weight : 0;
    if (!(state->weight > 0)) wm_set_null(out->columns, i);
  }
  return 0;
}

// longest: the longest text, the first of several. Its state holds the address of the text, so it is saved and loaded.
typedef struct {
  char *text; // a block of `room` bytes; 0 before the first text
  wm_u32 bytes, room, reserved;
} longest;
WASMILL_STATE(longest, longest)
WASMILL_INIT(longest) {
  for (wm_u32 i = 0; i < count; i++) WASMILL_GROUP(longest, groups[i]) = (longest){0, 0, 0, 0};
}
// Texts lie in blocks of powers of two; a block that is no longer needed waits in the list of its size.
static char *free_texts[32];
static wm_u32 room_class(wm_u32 bytes) {
  wm_u32 class = 4;
  while ((1u << class) < bytes) class++;
  return class;
}
static void give_back(longest *state) {
  if (!state->text) return;
  wm_u32 class = room_class(state->room);
  *(char **)state->text = free_texts[class];
  free_texts[class] = state->text;
  *state = (longest){0, 0, 0, 0};
}
static int keep(longest *state, const char *text, wm_u32 bytes) {
  if (!state->text || state->room < bytes) {
    wm_u32 class = room_class(bytes);
    char *block = free_texts[class];
    if (block) {
      free_texts[class] = *(char **)block;
    } else if (!(block = wm_alloc(1u << class, 8))) {
      return 0;
    }
    give_back(state);
    state->text = block;
    state->room = 1u << class;
  }
  __builtin_memcpy(state->text, text, bytes);
  state->bytes = bytes;
  return 1;
}
WASMILL_CLEAR(longest) {
  for (wm_u32 i = 0; i < count; i++) give_back(&WASMILL_GROUP(longest, groups[i]));
}
WASMILL_ACC(longest) {
  for (wm_u32 i = 0; i < in->rows; i++) {
    if (wm_is_null(in->columns, i)) continue;
    longest *state = &WASMILL_GROUP(longest, groups[i]);
    wm_u32 bytes;
    const char *text = wm_text(in->columns, i, &bytes);
    if ((!state->text || bytes > state->bytes) && !keep(state, text, bytes)) return wm_fail(out, "no memory for a text");
  }
  return 0;
}
WASMILL_MERGE(longest) {
  for (wm_u32 i = 0; i < count; i++) {
    longest *a = &WASMILL_GROUP(longest, into[i]);
    const longest *b = &WASMILL_GROUP(longest, from[i]);
    if (b->text && (!a->text || b->bytes > a->bytes) && !keep(a, b->text, b->bytes))
      return wm_fail(out, "no memory for a text");
  }
  return 0;
}
static wm_u32 longest_texts(const longest *states, const wm_u32 *groups, wm_u32 count, wm_result *out, wm_u32 prefix) {
  wm_u32 bytes = 0;
  for (wm_u32 i = 0; i < count; i++) bytes += states[groups[i]].bytes + prefix;
  char *texts = wm_texts(out->columns, bytes);
  if (!texts) return wm_fail(out, "no memory for the result");
  wm_u32 end = 0;
  for (wm_u32 i = 0; i < count; i++) {
    const longest *state = &states[groups[i]];
    if (prefix) texts[end++] = state->text != 0;
    if (state->text) __builtin_memcpy(texts + end, state->text, state->bytes);
    end += state->bytes;
    out->columns->offsets[i + 1] = (wm_i32)end;
    if (!prefix && !state->text) wm_set_null(out->columns, i);
  }
  return 0;
}
WASMILL_FINISH(longest) { return longest_texts(states, groups, count, out, 0); }
// Saved: a byte 1 and the text, or a byte 0.
WASMILL_SAVE(longest) { return longest_texts(states, groups, count, out, 1); }
WASMILL_LOAD(longest) {
  for (wm_u32 i = 0; i < in->rows; i++) {
    wm_u32 bytes;
    const char *saved = wm_text(in->columns, i, &bytes);
    if (bytes == 0 || saved[0] > 1) return wm_fail(out, "a saved state is not one of longest");
    if (saved[0] && !keep(&WASMILL_GROUP(longest, groups[i]), saved + 1, bytes - 1))
      return wm_fail(out, "no memory for a text");
  }
  return 0;
}
