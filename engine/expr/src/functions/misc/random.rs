//! RAND, RAND_INTEGER and UUID. With a seed they give the numbers of `java.util.Random`, as Flink does: a constant seed starts
//! one sequence that goes on over the rows, a seed that is a column starts anew at each row.

use std::fmt::Write;

use arrow::array::ArrayRef;
use arrow::datatypes::{Float64Type, Int32Type};
use wasmill_plan::{Error, Result, Value};

use crate::function::{CallSite, ColumnValue, Context, Kernel};
use crate::functions::columns::{int, numbers, texts, try_numbers};

/// The generator of `java.util.Random`: 48 bits, linear congruential.
struct JavaRandom(u64);

impl JavaRandom {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        Self((seed as u64 ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn bits(&mut self, count: u32) -> i32 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        (self.0 >> (48 - count)) as i32
    }

    /// From 0 to less than 1.
    fn double(&mut self) -> f64 {
        let high = i64::from(self.bits(26)) << 27;
        (high + i64::from(self.bits(27))) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to less than `bound`, which is positive.
    fn below(&mut self, bound: i32) -> i32 {
        let mut bits = self.bits(31);
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(bits)) >> 31) as i32;
        }
        // Numbers of the last, incomplete round of bounds are drawn again.
        loop {
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
            bits = self.bits(31);
        }
    }
}

/// Where a call's numbers come from.
enum Source {
    /// The batch's seed.
    Batch,
    /// One sequence for all rows.
    Seeded(JavaRandom),
    /// A seed a row.
    Rows,
}

impl Source {
    /// Of a call whose first argument is the seed where it has `seeded_len` arguments.
    fn of(site: &CallSite, seeded_len: usize) -> Self {
        if site.args.len() < seeded_len {
            return Self::Batch;
        }
        match site.literals[0] {
            Some(Value::Int(seed)) => Self::Seeded(JavaRandom::new(seed)),
            _ => Self::Rows,
        }
    }
}

/// The number of each row, drawn by `draw`; NULL where the seed is.
fn drawn<T>(
    source: &mut Source,
    seed: Option<&ColumnValue>,
    context: &Context,
    mut draw: impl FnMut(&mut JavaRandom, usize) -> T,
) -> impl FnMut(usize) -> Option<T> {
    let mut batch = JavaRandom::new(context.seeds.draw() as i64);
    move |row| match source {
        Source::Batch => Some(draw(&mut batch, row)),
        Source::Seeded(random) => Some(draw(random, row)),
        Source::Rows => Some(draw(&mut JavaRandom::new(int(seed?).get(row)?.into()), row)),
    }
}

pub(super) fn double(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut source = Source::of(site, 1);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        numbers::<Float64Type>(rows, drawn(&mut source, args.first(), context, |random, _| random.double()))
    }))
}

pub(super) fn integer(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut source = Source::of(site, 2);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let Some(bound) = args.last() else { return Err(Error::query("RAND_INTEGER without a bound")) };
        let bound = int(bound);
        let mut next = drawn(&mut source, args.first(), context, |random, row| match bound.get(row) {
            None => Ok(None),
            Some(bound) if bound > 0 => Ok(Some(random.below(bound))),
            Some(bound) => Err(Error::data(format!("the bound of RAND_INTEGER must be positive, not {bound}"))),
        });
        try_numbers::<Int32Type>(rows, |row| next(row).unwrap_or(Ok(None)))
    }))
}

/// Random UUIDs (version 4).
pub(super) fn uuid(_: &[ColumnValue], rows: usize, context: &Context) -> Result<ArrayRef> {
    texts(rows, |_, out| {
        let high = context.seeds.draw() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000;
        let low = context.seeds.draw() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000;
        let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
        write!(out, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_java() {
        let mut random = JavaRandom::new(1);
        assert_eq!(random.double(), 0.730_878_190_703_290_9);
        let mut random = JavaRandom::new(42);
        assert_eq!([random.below(10), random.below(10), random.below(10)], [0, 3, 8]);
    }

    #[test]
    fn uuids_differ_and_have_their_version() {
        use arrow::array::AsArray;
        let context = Context::default();
        let column = uuid(&[], 2, &context).unwrap();
        let column = column.as_string::<i32>();
        assert_ne!(column.value(0), column.value(1));
        for text in [column.value(0), column.value(1)] {
            assert_eq!((text.len(), &text[14..15]), (36, "4"), "{text}");
            assert!("89ab".contains(&text[19..20]), "{text}");
        }
    }
}
