//! What a built-in scalar function is: one [`Function`] per name, with its types and its kernel side by side.

use arrow::array::{Array, ArrayRef};
use wasmill_plan::{DataType, Result, Value};

/// A built-in function or operator. All live in static tables, one per family (`functions/string.rs`, …), and are found by
/// [`crate::registry::find`].
pub struct Function {
    /// Canonical upper-case name, as Flink writes it; operators by their sign (`+`, `=`, `AND`, `LIKE`).
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// How it is called, for help: `SUBSTRING(text, start [, length])`.
    pub usage: &'static str,
    /// Checks the arguments and settles types. `Err` says what does not fit, lower case, no full stop; the planner adds the
    /// place and [`Function::usage`].
    pub infer: fn(&[Argument]) -> Result<Signature, String>,
    /// Makes the kernel of one call; constants of the call may be compiled here (a regular expression, a format).
    pub kernel: fn(&CallSite) -> Result<Box<dyn Kernel>>,
}

/// An argument as the planner knows it.
#[derive(Clone, Debug)]
pub struct Argument<'a> {
    /// Its type. A bare NULL has [`wasmill_plan::TypeKind::Null`].
    pub data_type: &'a DataType,
    /// Its value where it is a literal (units such as `DAY` in `FLOOR(t TO DAY)` come as text literals).
    pub literal: Option<&'a Value>,
}

/// What [`Function::infer`] settles.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The type each argument must have; the planner casts where it differs. Same length as the arguments.
    pub args: Vec<DataType>,
    /// The type of the result, with its nullability.
    pub returns: DataType,
}

/// One call in a query, after casts.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// The arguments' types.
    pub args: Vec<DataType>,
    /// The arguments' values where they are constant.
    pub literals: Vec<Option<Value>>,
    /// The result's type.
    pub returns: DataType,
}

/// The vectorised body of one call.
pub trait Kernel: Send {
    /// Computes the result for `rows` rows: an array of that length, or of length 1 where every argument is a
    /// [`ColumnValue::Constant`] (a kernel may always give `rows` rows). NULL handling is the kernel's, most use
    /// [`strict`](crate::function) helpers.
    ///
    /// # Errors
    /// `Error::Data` where Flink fails the job on such a value.
    fn evaluate(&mut self, args: &[ColumnValue], rows: usize, context: &Context) -> Result<ArrayRef>;
}

impl<F> Kernel for F
where
    F: FnMut(&[ColumnValue], usize, &Context) -> Result<ArrayRef> + Send,
{
    fn evaluate(&mut self, args: &[ColumnValue], rows: usize, context: &Context) -> Result<ArrayRef> {
        self(args, rows, context)
    }
}

/// An evaluated argument: a column, or one value for all rows.
#[derive(Clone, Debug)]
pub enum ColumnValue {
    /// A value per row.
    Column(ArrayRef),
    /// An array of length 1.
    Constant(ArrayRef),
}

impl ColumnValue {
    /// The underlying array: `rows` long, or 1 for a constant.
    pub fn array(&self) -> &ArrayRef {
        match self {
            Self::Column(a) | Self::Constant(a) => a,
        }
    }
    /// Index into [`Self::array`] for row `row`.
    #[inline]
    pub fn index(&self, row: usize) -> usize {
        match self {
            Self::Column(_) => row,
            Self::Constant(_) => 0,
        }
    }
    /// A full column of `rows` rows.
    pub fn to_array(&self, rows: usize) -> ArrayRef {
        match self {
            Self::Column(a) => a.clone(),
            Self::Constant(a) => {
                let zeros = arrow::array::UInt32Array::from(vec![0u32; rows]);
                arrow::compute::take(a, &zeros, None).expect("index 0 of an array of length 1")
            }
        }
    }
    /// Whether it is one value for all rows.
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
    /// The Arrow type.
    pub fn data_type(&self) -> &arrow::datatypes::DataType {
        self.array().data_type()
    }
}

/// What a kernel may know of its surroundings: no clock, no randomness of its own.
#[derive(Clone, Debug)]
pub struct Context {
    /// `table.local-time-zone`.
    pub time_zone: chrono_tz::Tz,
    /// The time of this batch, ms since the epoch: what NOW(), CURRENT_TIMESTAMP and PROCTIME() give. Injected.
    pub now_ms: i64,
    /// What RAND(), RAND_INTEGER() and UUID() draw from. Injected.
    pub seeds: Seeds,
    /// The watermark in force before each row (`i64::MIN` before the first); empty where the plan does not ask for it.
    pub watermarks: Vec<i64>,
}

impl Default for Context {
    fn default() -> Self {
        Self { time_zone: chrono_tz::UTC, now_ms: 0, seeds: Seeds::new(0), watermarks: Vec::new() }
    }
}

/// A sequence of random seeds: each call of a random function takes one a batch, so that no two calls give the same numbers
/// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Seeds(std::cell::Cell<u64>);

impl Seeds {
    /// The sequence of that seed.
    pub fn new(seed: u64) -> Self {
        Self(std::cell::Cell::new(seed))
    }
    /// The next 64 bits.
    pub fn draw(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let z = self.0.get();
        let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}
