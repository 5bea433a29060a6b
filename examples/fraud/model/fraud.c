// The fraud example's functions: gradient-boosted trees over eight features, and the distance on the earth.
// build.sh makes fraud.wasm of it; train.py makes weights.h.
#include "../../../udf-sdk/c/wasmill.h"
#include "weights.h"

// No C library is linked: what is needed of it is here, to within a unit or two in the last place.

static double exponential(double x) {
  if (x > 709.0) return 1.0 / 0.0;
  if (x < -745.0) return 0.0;
  // e^x = 2^k e^r with |r| <= ln 2 / 2, and e^r by its series.
  double k = __builtin_floor(x * 1.4426950408889634 + 0.5);
  double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  double sum = 1.0, term = 1.0;
  for (int i = 1; i <= 16; i++) {
    term *= r / i;
    sum += term;
  }
  // In two steps, so that neither leaves the range of normal numbers.
  int half = (int)k / 2, rest = (int)k - half;
  union { unsigned long long bits; double value; } a = {(unsigned long long)(half + 1023) << 52},
                                                   b = {(unsigned long long)(rest + 1023) << 52};
  return sum * a.value * b.value;
}

static const double PI = 3.14159265358979323846;

// For |x| of a few turns at most.
static double sine(double x) {
  double k = __builtin_floor(x / PI + 0.5);
  double r = (x - k * 3.14159265358979311600) - k * 1.22464679914735317723e-16;
  double square = r * r, term = r, sum = r;
  for (int i = 1; i <= 10; i++) {
    term *= -square / ((2 * i) * (2 * i + 1));
    sum += term;
  }
  return ((long long)k & 1) ? -sum : sum;
}

static double cosine(double x) { return sine(x + PI / 2); }

// For 0 <= x <= 1.
static double arcsine(double x) {
  // asin x = 2 asin(x / (sqrt(2) sqrt(1 + sqrt(1 - x^2)))), twice, leaves an argument below 0.2 for the series.
  int halvings = 0;
  while (x > 0.2) {
    x = x / __builtin_sqrt(2.0 * (1.0 + __builtin_sqrt(1.0 - x * x)));
    halvings++;
  }
  double square = x * x, power = x, factor = 1.0, sum = x;
  for (int i = 1; i <= 12; i++) {
    power *= square;
    factor *= (2.0 * i - 1.0) / (2.0 * i);
    sum += factor * power / (2.0 * i + 1.0);
  }
  return sum * (double)(1 << halvings);
}

// Great-circle distance of two positions in degrees, on a sphere of the earth's mean radius.
WASMILL_EXPORT(haversine_km)
double haversine_km(double lat1, double lon1, double lat2, double lon2) {
  const double to_radians = PI / 180.0;
  double dlat = sine((lat2 - lat1) * to_radians / 2), dlon = sine((lon2 - lon1) * to_radians / 2);
  double a = dlat * dlat + cosine(lat1 * to_radians) * cosine(lat2 * to_radians) * dlon * dlon;
  double root = __builtin_sqrt(a);
  return 2.0 * 6371.0088 * arcsine(root < 1.0 ? root : 1.0);
}

// The probability that a payment is a fraud. A first payment of a card has no speed: pass 0.
WASMILL_EXPORT(fraud_score)
double fraud_score(double count_1min, double count_5min, double amount_1h, double deviation_7d, double home_km,
                   double speed_kmh, double amount, double hour) {
  const double x[8] = {count_1min, count_5min, amount_1h, deviation_7d, home_km, speed_kmh, amount, hour};
  double sum = BASE;
  for (int tree = 0; tree < TREES; tree++) {
    int at = 0;
    for (int level = 0; level < DEPTH; level++)
      // The trees were fitted over features as 32-bit floats.
      at = 2 * at + 1 + !((double)(float)x[FEATURE[tree][at]] <= THRESHOLD[tree][at]);
    sum += LEAF[tree][at - ((1 << DEPTH) - 1)];
  }
  return 1.0 / (1.0 + exponential(-sum));
}
