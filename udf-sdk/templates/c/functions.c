// Functions for wasmill. Plain functions are called for rows without NULL; a text is an address and a length.
#define WASMILL_COLUMNS
#include "wasmill.h"

static int is(const char *text, wm_u32 length, const char *word, wm_u32 word_length) {
  if (length != word_length) return 0;
  for (wm_u32 i = 0; i < length; i++)
    if (text[i] != word[i]) return 0;
  return 1;
}

// How risky a payment is, from 0 to 1.
WASMILL_DESCRIBE({"name": "risk", "arguments": [{"name": "amount", "type": "DOUBLE"}, {"name": "country", "type": "STRING"}], "returns": "DOUBLE"});
WASMILL_EXPORT(risk)
double risk(double amount, const char *country, wm_u32 length) {
  double risky = is(country, length, "ZZ", 2) ? 0.9 : is(country, length, "YY", 2) ? 0.5 : 0.0;
  double sum = amount / 10000.0 + risky;
  return sum < 1.0 ? sum : 1.0;
}

// The first letter of each word, in capitals; NULL where there is no word. ASCII letters only.
WASMILL_DESCRIBE({"name": "initials", "arguments": [{"name": "name", "type": "STRING"}], "returns": "STRING"});
WASMILL_EXPORT(initials)
wasmill_text initials(const char *name, wm_u32 length) {
  static char letters[64]; // used again by each call
  wm_u32 count = 0;
  int in_word = 0;
  for (wm_u32 i = 0; i < length && count < sizeof letters; i++) {
    char upper = (char)(name[i] & ~32);
    int letter = upper >= 'A' && upper <= 'Z';
    if (letter && !in_word) letters[count++] = upper;
    in_word = letter || (in_word && name[i] >= '0' && name[i] <= '9');
  }
  return count ? wasmill_make_text(letters, count) : WASMILL_NULL_TEXT;
}
