// The arithmetic function of the function benchmark, as in functions/risk.wasm (build.sh).
#include "../../udf-sdk/c/wasmill.h"

WASMILL_EXPORT(risk)
double risk(double a, double b) { return 0.7 * a + b / (1 + __builtin_fabs(a)) + 0.25 * (b > 0 ? b : 0); }
