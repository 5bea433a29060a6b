//! The tree that an expression is compiled to, and what each node does with a batch.

use std::cell::RefCell;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, TimestampMillisecondArray, UInt32Array, new_empty_array,
};
use arrow::compute::{filter, take};
use arrow::datatypes as a;
use wasmill_plan::{Error, Result};

use super::UserScalar;
use super::branch::{Case, Logic};
use crate::{ColumnValue, Context, Kernel};

/// The rows that an expression is evaluated for: a batch, or a selection of its rows.
pub(super) struct Frame<'a> {
    columns: &'a [ArrayRef],
    /// Rows of the batch, ascending; all of them where `None`.
    selection: Option<UInt32Array>,
    /// Selected columns made so far, by index.
    selected: RefCell<Vec<Option<ArrayRef>>>,
    pub(super) rows: usize,
    pub(super) context: &'a Context,
}

impl<'a> Frame<'a> {
    pub(super) fn of_batch(batch: &'a RecordBatch, context: &'a Context) -> Self {
        Self {
            columns: batch.columns(),
            selection: None,
            selected: RefCell::default(),
            rows: batch.num_rows(),
            context,
        }
    }

    /// A frame without columns, of one row, for constants.
    pub(super) fn of_constants(context: &'a Context) -> Self {
        Self { columns: &[], selection: None, selected: RefCell::default(), rows: 1, context }
    }

    /// The rows of this frame where `mask` is true; it has no NULLs and is as long as the frame.
    pub(super) fn select(&self, mask: &BooleanArray) -> Result<Frame<'a>> {
        debug_assert_eq!(mask.len(), self.rows);
        let selection = match &self.selection {
            None => UInt32Array::from_iter_values(mask.values().set_indices().map(|i| i as u32)),
            Some(old) => {
                filter(old, mask)?.as_any().downcast_ref::<UInt32Array>().expect("filter keeps the type").clone()
            }
        };
        Ok(Frame {
            columns: self.columns,
            rows: selection.len(),
            selection: Some(selection),
            selected: RefCell::default(),
            context: self.context,
        })
    }

    fn column(&self, index: usize) -> Result<ArrayRef> {
        let Some(selection) = &self.selection else { return Ok(self.columns[index].clone()) };
        let mut selected = self.selected.borrow_mut();
        if selected.len() <= index {
            selected.resize(self.columns.len(), None);
        }
        if let Some(column) = &selected[index] {
            return Ok(column.clone());
        }
        let column = take(&self.columns[index], selection, None)?;
        selected[index] = Some(column.clone());
        Ok(column)
    }

    fn watermarks(&self) -> Int64Array {
        let watermark = |row: usize| self.context.watermarks.get(row).copied().filter(|w| *w != i64::MIN);
        match &self.selection {
            None => (0..self.rows).map(watermark).collect(),
            Some(selection) => selection.values().iter().map(|row| watermark(*row as usize)).collect(),
        }
    }
}

/// A compiled expression.
pub(super) enum Node {
    Column(usize),
    /// An array of length 1.
    Constant(ArrayRef),
    /// A part without columns, computed at the first batch (it may need the session's time zone).
    Folded {
        node: Box<Node>,
        value: Option<(chrono_tz::Tz, ArrayRef)>,
    },
    Call {
        kernel: Box<dyn Kernel>,
        args: Vec<Node>,
        values: Vec<ColumnValue>,
        result: a::DataType,
    },
    User {
        name: String,
        function: Box<dyn UserScalar>,
        args: Vec<Node>,
        result: a::DataType,
    },
    Logic(Logic),
    Case(Box<Case>),
    /// The first of several that is not NULL.
    Coalesce {
        args: Vec<Node>,
        result: a::DataType,
    },
    /// The watermark in force at each row, as a timestamp of this type.
    CurrentWatermark(a::DataType),
}

impl Node {
    /// The value for the rows of `frame`.
    pub(super) fn evaluate(&mut self, frame: &Frame) -> Result<ColumnValue> {
        match self {
            Node::Column(index) => Ok(ColumnValue::Column(frame.column(*index)?)),
            Node::Constant(value) => Ok(ColumnValue::Constant(value.clone())),
            Node::Folded { node, value } => {
                if let Some((zone, value)) = value
                    && *zone == frame.context.time_zone
                {
                    return Ok(ColumnValue::Constant(value.clone()));
                }
                if frame.rows == 0 {
                    return node.evaluate(frame);
                }
                let computed = node.evaluate(&Frame::of_constants(frame.context))?.to_array(1);
                *value = Some((frame.context.time_zone, computed.clone()));
                Ok(ColumnValue::Constant(computed))
            }
            Node::Call { kernel, args, values, result } => {
                if frame.rows == 0 {
                    return Ok(ColumnValue::Column(new_empty_array(result)));
                }
                values.clear();
                for arg in args.iter_mut() {
                    values.push(arg.evaluate(frame)?);
                }
                let array = kernel.evaluate(values, frame.rows, frame.context)?;
                debug_assert_eq!(array.data_type(), &*result, "a kernel gave another type");
                let constant = !values.is_empty() && array.len() == 1 && values.iter().all(ColumnValue::is_constant);
                values.clear();
                debug_assert!(constant || array.len() == frame.rows, "a kernel gave another number of rows");
                Ok(if constant { ColumnValue::Constant(array) } else { ColumnValue::Column(array) })
            }
            Node::User { name, function, args, result } => {
                let mut arrays = Vec::with_capacity(args.len());
                for arg in args.iter_mut() {
                    arrays.push(arg.evaluate(frame)?.to_array(frame.rows));
                }
                if frame.rows == 0 {
                    return Ok(ColumnValue::Column(new_empty_array(result)));
                }
                let array = function.call(&arrays, frame.rows, frame.context)?;
                if array.len() != frame.rows {
                    let message = format!("gave {} results for {} rows", array.len(), frame.rows);
                    return Err(Error::Function { function: name.clone(), message });
                }
                Ok(ColumnValue::Column(array))
            }
            Node::Logic(logic) => logic.evaluate(frame),
            Node::Case(case) => case.evaluate(frame),
            Node::Coalesce { args, result } => super::branch::coalesce(args, result, frame),
            Node::CurrentWatermark(result) => {
                let millis: TimestampMillisecondArray = frame.watermarks().reinterpret_cast();
                Ok(ColumnValue::Column(arrow::compute::cast(&millis, result)?))
            }
        }
    }
}
