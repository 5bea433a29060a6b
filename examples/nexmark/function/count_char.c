// How often a letter stands in a text. build.sh makes count_char.wasm of it.
#include "../../../udf-sdk/c/wasmill.h"

// The first byte of `letter` is looked for; an empty `letter` stands nowhere.
WASMILL_EXPORT(count_char)
long long count_char(const char *text, unsigned text_bytes, const char *letter, unsigned letter_bytes) {
  if (letter_bytes == 0) return 0;
  const char wanted = letter[0];
  unsigned count = 0;
  for (unsigned i = 0; i < text_bytes; i++) count += text[i] == wanted;
  return count;
}
