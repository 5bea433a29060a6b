//! The values of one row for an export with a type of its own, and its results as a column.

use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType as ArrowType;
use wasmill_plan::DataType;
use wasmtime::component::{Type, Val};

use crate::instance::Failure;

/// The argument columns of a batch.
pub(super) struct Arguments(Vec<Argument>);

struct Argument {
    data: ArrayData,
    /// One value for all rows.
    constant: bool,
    /// Taken as an option: NULL is seen.
    optional: bool,
    ty: Type,
}

impl Arguments {
    pub fn new(args: &[ArrayRef], types: &[Type]) -> Self {
        Self(
            args.iter()
                .zip(types)
                .map(|(array, ty)| {
                    let (optional, ty) = match ty {
                        Type::Option(option) => (true, option.ty()),
                        other => (false, other.clone()),
                    };
                    Argument { data: array.to_data(), constant: array.len() == 1, optional, ty }
                })
                .collect(),
        )
    }

    /// The arguments of a row; `None` where one is NULL that must not be.
    pub fn row(&self, row: usize) -> Option<Vec<Val>> {
        self.0.iter().map(|argument| argument.value(if argument.constant { 0 } else { row })).collect()
    }
}

impl Argument {
    fn value(&self, row: usize) -> Option<Val> {
        if self.data.is_null(row) {
            return self.optional.then_some(Val::Option(None));
        }
        let value = self.plain(row);
        Some(if self.optional { Val::Option(Some(Box::new(value))) } else { value })
    }

    fn plain(&self, row: usize) -> Val {
        let data = &self.data;
        let at = data.offset() + row;
        let buffer = &data.buffers()[0];
        let text = || {
            let offsets = buffer.typed_data::<i32>();
            &data.buffers()[1].as_slice()[offsets[at] as usize..offsets[at + 1] as usize]
        };
        match &self.ty {
            Type::Bool => Val::Bool(arrow::util::bit_util::get_bit(buffer, at)),
            Type::S8 => Val::S8(buffer.typed_data::<i8>()[at]),
            Type::S16 => Val::S16(buffer.typed_data::<i16>()[at]),
            Type::S32 => Val::S32(buffer.typed_data::<i32>()[at]),
            // A DECIMAL of up to 18 digits is held in 128 bits.
            Type::S64 if matches!(data.data_type(), ArrowType::Decimal128(..)) => {
                Val::S64(buffer.typed_data::<i128>()[at] as i64)
            }
            Type::S64 => Val::S64(buffer.typed_data::<i64>()[at]),
            Type::Float32 => Val::Float32(buffer.typed_data::<f32>()[at]),
            Type::Float64 => Val::Float64(buffer.typed_data::<f64>()[at]),
            Type::String => Val::String(String::from_utf8_lossy(text()).into_owned()),
            Type::List(_) => Val::List(text().iter().map(|b| Val::U8(*b)).collect()),
            _ => unreachable!("the signature was checked"),
        }
    }
}

/// A result column under construction.
pub(super) struct Column {
    arrow_type: ArrowType,
    valid: Vec<bool>,
    values: Values,
}

enum Values {
    Bool(Vec<bool>),
    /// Values of fixed width, as they lie in memory.
    Fixed(Vec<u8>, usize),
    Text(Vec<u8>, Vec<i32>),
}

impl Column {
    pub fn new(returns: &DataType, rows: usize) -> Self {
        let arrow_type = returns.to_arrow();
        let values = match &arrow_type {
            ArrowType::Boolean => Values::Bool(Vec::with_capacity(rows)),
            ArrowType::Utf8 | ArrowType::Binary => Values::Text(Vec::new(), vec![0]),
            fixed => {
                let width = fixed.primitive_width().expect("the signature was checked");
                Values::Fixed(Vec::with_capacity(width * rows), width)
            }
        };
        Self { arrow_type, valid: Vec::with_capacity(rows), values }
    }

    pub fn push_null(&mut self) {
        self.valid.push(false);
        match &mut self.values {
            Values::Bool(all) => all.push(false),
            Values::Fixed(bytes, width) => bytes.resize(bytes.len() + *width, 0),
            Values::Text(bytes, offsets) => offsets.push(bytes.len() as i32),
        }
    }

    /// Adds what the export gave; `Err` is the message of a `result` that failed.
    pub fn push(&mut self, given: Val, ty: &Type) -> Result<(), String> {
        let given = match (given, ty) {
            (Val::Result(Ok(value)), Type::Result(_)) => *value.expect("the signature was checked"),
            (Val::Result(Err(message)), Type::Result(_)) => {
                return Err(match message.map(|m| *m) {
                    Some(Val::String(message)) => message,
                    _ => String::new(),
                });
            }
            (value, _) => value,
        };
        let given = match given {
            Val::Option(None) => {
                self.push_null();
                return Ok(());
            }
            Val::Option(Some(value)) => *value,
            value => value,
        };
        self.valid.push(true);
        let bytes: &[u8] = match (&mut self.values, &given) {
            (Values::Bool(all), Val::Bool(value)) => {
                all.push(*value);
                return Ok(());
            }
            (Values::Fixed(bytes, width), given) => {
                match given {
                    Val::S8(v) => bytes.extend(v.to_le_bytes()),
                    Val::S16(v) => bytes.extend(v.to_le_bytes()),
                    Val::S32(v) => bytes.extend(v.to_le_bytes()),
                    Val::S64(v) if *width == 16 => bytes.extend(i128::from(*v).to_le_bytes()),
                    Val::S64(v) => bytes.extend(v.to_le_bytes()),
                    Val::Float32(v) => bytes.extend(if v.is_nan() { f32::NAN } else { *v }.to_le_bytes()),
                    Val::Float64(v) => bytes.extend(if v.is_nan() { f64::NAN } else { *v }.to_le_bytes()),
                    _ => unreachable!("the signature was checked"),
                }
                return Ok(());
            }
            (Values::Text(..), Val::String(text)) => text.as_bytes(),
            (Values::Text(bytes, offsets), Val::List(list)) => {
                bytes.extend(list.iter().map(|v| match v {
                    Val::U8(byte) => *byte,
                    _ => unreachable!("the signature was checked"),
                }));
                offsets.push(bytes.len() as i32);
                return Ok(());
            }
            _ => unreachable!("the signature was checked"),
        };
        if let Values::Text(all, offsets) = &mut self.values {
            all.extend_from_slice(bytes);
            offsets.push(all.len() as i32);
        }
        Ok(())
    }

    pub fn finish(self) -> Result<ArrayRef, Failure> {
        let rows = self.valid.len();
        let nulls = NullBuffer::new(BooleanBuffer::from(self.valid));
        let builder = ArrayData::builder(self.arrow_type).len(rows).nulls(Some(nulls).filter(|n| n.null_count() > 0));
        let data = match self.values {
            Values::Bool(all) => builder.add_buffer(BooleanBuffer::from(all).into_inner()),
            Values::Fixed(bytes, _) => builder.add_buffer(Buffer::from(bytes)).align_buffers(true),
            Values::Text(bytes, offsets) => {
                if bytes.len() > i32::MAX as usize {
                    return Err(Failure::wrong("the texts of a batch have more than 2 GiB"));
                }
                builder.add_buffer(ScalarBuffer::from(offsets).into_inner()).add_buffer(Buffer::from(bytes))
            }
        };
        Ok(make_array(data.build().map_err(|e| Failure::wrong(format!("its result is not a column: {e}")))?))
    }
}
