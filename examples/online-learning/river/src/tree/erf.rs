//! The error function to the last digit: its Taylor series, in numbers of two parts (Dekker 1971) because its terms cancel out.
//!
//! Half a digit matters here: a leaf's rows are sums of shares by it, and the end of a grace period compares them with a whole
//! number.

/// The sum of a number and a second one that is small beside it.
#[derive(Clone, Copy)]
struct Double(f64, f64);

/// 2/√π.
const FACTOR: Double = Double(std::f64::consts::FRAC_2_SQRT_PI, 1.533_545_961_316_588e-17);

impl Double {
    fn of_sum(a: f64, b: f64) -> Self {
        let sum = a + b;
        let of_b = sum - a;
        Self(sum, (a - (sum - of_b)) + (b - of_b))
    }
    fn of_product(a: f64, b: f64) -> Self {
        let halves = |x: f64| {
            let high = x * 134_217_729.0;
            let high = high - (high - x);
            (high, x - high)
        };
        let (product, (a, a_low), (b, b_low)) = (a * b, halves(a), halves(b));
        Self(product, ((a * b - product) + a * b_low + a_low * b) + a_low * b_low)
    }
    fn plus(self, other: Self) -> Self {
        let sum = Self::of_sum(self.0, other.0);
        Self::of_sum(sum.0, sum.1 + self.1 + other.1)
    }
    fn times(self, other: Self) -> Self {
        let product = Self::of_product(self.0, other.0);
        Self::of_sum(product.0, product.1 + (self.0 * other.1 + self.1 * other.0))
    }
    fn divided(self, by: f64) -> Self {
        let quotient = self.0 / by;
        let product = Self::of_product(quotient, by);
        Self::of_sum(quotient, (self.0 - product.0 - product.1 + self.1) / by)
    }
}

/// The error function.
pub(super) fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a >= 6.0 {
        return 1f64.copysign(x);
    }
    let square = Double::of_product(a, a);
    let (mut power, mut sum, mut n) = (Double(a, 0.0), Double(a, 0.0), 0.0);
    // Terms grow until n = a²; from there the first small one ends the sum.
    while n <= square.0 || power.0.abs() > sum.0.abs() * 1e-20 {
        n += 1.0;
        power = power.times(square).divided(-n);
        sum = sum.plus(power.divided(2.0 * n + 1.0));
    }
    sum.times(FACTOR).0.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn known_values() {
        let known = [
            (0.0, 0.0),
            (1e-9, 1.128_379_167_095_512_6e-9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.9, 0.999_958_902_121_900_5),
            (3.1, 0.999_988_351_342_632_8),
            (-1.5, -0.966_105_146_475_310_8),
            (5.5, 0.999_999_999_999_992_6),
            (7.0, 1.0),
        ];
        for (x, value) in known {
            assert!((erf(x) - value).abs() <= value.abs() * f64::EPSILON, "erf({x}) = {}", erf(x));
        }
    }
}
