// Table functions.
//   CREATE TABLE FUNCTION words(line STRING) RETURNS TABLE (word STRING, position INT) LANGUAGE WASM USING FILE 'tables.wasm';
//   SELECT id, word FROM lines CROSS JOIN LATERAL TABLE(words(line)) AS t (word, position);
#define WASMILL_COLUMNS
#include "../../c/wasmill.h"

// Counts the words of a text, or writes them where `texts` is given.
static wm_u32 each_word(const char *text, wm_u32 bytes, char *texts, wm_i32 *offsets, wm_u32 *end) {
  wm_u32 words = 0;
  for (wm_u32 i = 0; i < bytes;) {
    while (i < bytes && text[i] == ' ') i++;
    wm_u32 start = i;
    while (i < bytes && text[i] != ' ') i++;
    if (i == start) break;
    if (texts) {
      __builtin_memcpy(texts + *end, text + start, i - start);
      offsets[words + 1] = (wm_i32)(*end + i - start);
    }
    *end += i - start;
    words++;
  }
  return words;
}

// The words of a line, which blanks separate, and their positions from 1.
WASMILL_COLUMN_FUNCTION(words) {
  const wm_column *line = &in->columns[0];
  wm_u32 words = 0, bytes = 0, length;
  for (wm_u32 row = 0; row < in->rows; row++) {
    if (wm_is_null(line, row)) continue;
    const char *text = wm_text(line, row, &length);
    words += each_word(text, length, 0, 0, &bytes);
  }
  out->rows = words;
  wm_i32 *parent = wm_values_of(out, 0, sizeof(wm_i32));
  char *texts = wm_texts_of(out, 1, bytes);
  wm_i32 *position = wm_values_of(out, 2, sizeof(wm_i32));
  if (!parent || !texts || !position) return wm_fail(out, "no memory for the result");
  wm_u32 next = 0, end = 0;
  for (wm_u32 row = 0; row < in->rows; row++) {
    if (wm_is_null(line, row)) continue;
    const char *text = wm_text(line, row, &length);
    wm_u32 of_row = each_word(text, length, texts, out->columns[1].offsets + next, &end);
    for (wm_u32 i = 0; i < of_row; i++, next++) {
      parent[next] = (wm_i32)row;
      position[next] = (wm_i32)(i + 1);
    }
  }
  return 0;
}
