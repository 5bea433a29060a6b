// Plain functions over texts, without any library.
//   CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'text.wasm';
//   CREATE FUNCTION vowels(text STRING) RETURNS INT LANGUAGE WASM USING FILE 'text.wasm';
#include "../../c/wasmill.h"

// The first letter of each word, in capitals: "ada lovelace" gives "AL". NULL where there is no word. ASCII letters only.
WASMILL_EXPORT(initials)
wasmill_text initials(const char *name, wm_u32 length) {
  static char buffer[64]; // used again by each call
  wm_u32 count = 0;
  for (wm_u32 i = 0; i < length && count < sizeof buffer; i++) {
    char c = name[i];
    int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    int begins = i == 0 || name[i - 1] == ' ';
    if (letter && begins) buffer[count++] = c >= 'a' ? (char)(c - 32) : c;
  }
  return count ? wasmill_make_text(buffer, count) : WASMILL_NULL_TEXT;
}

WASMILL_EXPORT(vowels)
int vowels(const char *text, wm_u32 length) {
  int count = 0;
  for (wm_u32 i = 0; i < length; i++) {
    char c = text[i] | 32;
    count += c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
  }
  return count;
}
