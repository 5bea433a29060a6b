// A table function for wasmill: any number of rows for each row.
#define WASMILL_COLUMNS
#include "wasmill.h"

// The words of a line, which blanks separate, and their positions from 1.
WASMILL_DESCRIBE({"name": "words", "kind": "table", "arguments": [{"name": "line", "type": "STRING"}],
                  "returns": [{"name": "word", "type": "STRING"}, {"name": "position", "type": "INT"}]});

// Goes over the words of all rows; writes them where `out` is given. Gives how many they are, and their bytes.
static wm_u32 each(const wm_column *line, wm_u32 rows, wm_u32 *bytes, wm_result *out) {
  wm_u32 words = 0, length;
  *bytes = 0;
  for (wm_u32 row = 0; row < rows; row++) {
    if (wm_is_null(line, row)) continue;
    const char *text = wm_text(line, row, &length);
    wm_i32 position = 1;
    for (wm_u32 i = 0; i < length;) {
      while (i < length && text[i] == ' ') i++;
      wm_u32 start = i;
      while (i < length && text[i] != ' ') i++;
      if (i == start) break;
      if (out) {
        ((wm_i32 *)out->columns[0].data)[words] = (wm_i32)row; // the row that the word belongs to
        __builtin_memcpy((char *)out->columns[1].data + *bytes, text + start, i - start);
        out->columns[1].offsets[words + 1] = (wm_i32)(*bytes + i - start);
        ((wm_i32 *)out->columns[2].data)[words] = position++;
      }
      *bytes += i - start;
      words++;
    }
  }
  return words;
}

WASMILL_COLUMN_FUNCTION(words) {
  wm_u32 bytes;
  out->rows = each(&in->columns[0], in->rows, &bytes, 0);
  if (!wm_values_of(out, 0, sizeof(wm_i32)) || !wm_texts_of(out, 1, bytes) || !wm_values_of(out, 2, sizeof(wm_i32)))
    return wm_fail(out, "no memory for the result");
  each(&in->columns[0], in->rows, &bytes, out);
  return 0;
}
