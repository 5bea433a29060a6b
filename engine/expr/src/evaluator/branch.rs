//! CASE, COALESCE, AND and OR: parts that are evaluated only for the rows that reach them.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{and_kleene, interleave, is_not_null, or_kleene, take};
use arrow::datatypes as a;
use wasmill_plan::Result;

use super::node::{Frame, Node};
use crate::ColumnValue;

/// `left AND right` (or OR) in three-valued logic.
pub(super) struct Logic {
    pub(super) or: bool,
    pub(super) left: Box<Node>,
    pub(super) right: Box<Node>,
    /// Whether the right side can fail or is dear, and so must see only the rows that need it.
    pub(super) lazy: bool,
}

impl Logic {
    pub(super) fn evaluate(&mut self, frame: &Frame) -> Result<ColumnValue> {
        let left = self.left.evaluate(frame)?;
        // The value that settles the result alone: TRUE for OR, FALSE for AND.
        let settles = self.or;
        if let ColumnValue::Constant(value) = &left {
            let value = value.as_boolean();
            if value.is_valid(0) && value.value(0) == settles {
                return Ok(left);
            }
            let right = self.right.evaluate(frame)?;
            if value.is_valid(0) {
                return Ok(right);
            }
            let rows = right.array().len();
            let array = self.combine(
                ColumnValue::Constant(left.array().clone()).to_array(rows).as_boolean(),
                right.array().as_boolean(),
            )?;
            return Ok(if right.is_constant() { ColumnValue::Constant(array) } else { ColumnValue::Column(array) });
        }
        let left = left.array().as_boolean().clone();
        let settled = settled(&left, settles);
        let open = frame.rows - settled.count_set_bits();
        if open == 0 {
            return Ok(ColumnValue::Column(std::sync::Arc::new(left)));
        }
        if !self.lazy || open == frame.rows {
            let right = self.right.evaluate(frame)?.to_array(frame.rows);
            return Ok(ColumnValue::Column(self.combine(&left, right.as_boolean())?));
        }
        let mask = BooleanArray::new(!&settled, None);
        let right = self.right.evaluate(&frame.select(&mask)?)?.to_array(open);
        let right = spread(&right, &mask)?;
        Ok(ColumnValue::Column(self.combine(&left, right.as_boolean())?))
    }

    fn combine(&self, left: &BooleanArray, right: &BooleanArray) -> Result<ArrayRef> {
        let array = if self.or { or_kleene(left, right)? } else { and_kleene(left, right)? };
        Ok(std::sync::Arc::new(array))
    }
}

/// Rows where `array` is not NULL and equals `value`.
fn settled(array: &BooleanArray, value: bool) -> BooleanBuffer {
    let bits = if value { array.values().clone() } else { !array.values() };
    match array.nulls() {
        Some(nulls) => &bits & nulls.inner(),
        None => bits,
    }
}

/// `array`'s values at the true rows of `mask`, in order, and NULL elsewhere.
fn spread(array: &ArrayRef, mask: &BooleanArray) -> Result<ArrayRef> {
    let mut next = 0u32;
    let mut indices = vec![0u32; mask.len()];
    for row in mask.values().set_indices() {
        indices[row] = next;
        next += 1;
    }
    let nulls = NullBuffer::new(mask.values().clone());
    Ok(take(array, &UInt32Array::new(indices.into(), Some(nulls)), None)?)
}

/// `CASE WHEN … THEN … ELSE … END`.
pub(super) struct Case {
    pub(super) branches: Vec<(Node, Node)>,
    pub(super) otherwise: Node,
    pub(super) result: a::DataType,
}

impl Case {
    pub(super) fn evaluate(&mut self, frame: &Frame) -> Result<ColumnValue> {
        let mut merge = Merge::new(frame.rows);
        for (condition, result) in &mut self.branches {
            let narrowed;
            let rest = match merge.open_mask() {
                None => frame,
                Some(mask) => {
                    narrowed = frame.select(&mask)?;
                    &narrowed
                }
            };
            let condition = condition.evaluate(rest)?;
            if let ColumnValue::Constant(value) = &condition {
                let value = value.as_boolean();
                if value.is_null(0) || !value.value(0) {
                    continue;
                }
                let value = result.evaluate(rest)?;
                if merge.is_untouched() {
                    return Ok(value);
                }
                merge.rest(value);
                break;
            }
            let hit = settled(condition.array().as_boolean(), true);
            let count = hit.count_set_bits();
            if count == 0 {
                continue;
            }
            if count == rest.rows {
                let value = result.evaluate(rest)?;
                if merge.is_untouched() {
                    return Ok(value);
                }
                merge.rest(value);
                break;
            }
            let hit = BooleanArray::new(hit, None);
            // A column or constant needs no selection: it is read at the row itself.
            let value = match result {
                Node::Constant(value) => ColumnValue::Constant(value.clone()),
                _ => result.evaluate(&rest.select(&hit)?)?,
            };
            merge.some(value, &hit);
        }
        if !merge.is_done() {
            let value = match merge.open_mask() {
                None => return self.otherwise.evaluate(frame),
                Some(mask) => match &self.otherwise {
                    Node::Constant(value) => ColumnValue::Constant(value.clone()),
                    _ => self.otherwise.evaluate(&frame.select(&mask)?)?,
                },
            };
            merge.rest(value);
        }
        merge.finish(&self.result)
    }
}

/// The first argument that is not NULL; later ones see only the rows that are still NULL.
pub(super) fn coalesce(args: &mut [Node], result: &a::DataType, frame: &Frame) -> Result<ColumnValue> {
    let mut merge = Merge::new(frame.rows);
    for arg in args {
        let narrowed;
        let rest = match merge.open_mask() {
            None => frame,
            Some(mask) => {
                narrowed = frame.select(&mask)?;
                &narrowed
            }
        };
        let value = arg.evaluate(rest)?;
        let nulls = value.array().logical_null_count();
        if nulls == 0 {
            if merge.is_untouched() {
                return Ok(value);
            }
            merge.rest(value);
            break;
        }
        if nulls == value.array().len() {
            continue;
        }
        let there = is_not_null(value.array())?;
        let dense = arrow::compute::filter(value.array(), &there)?;
        merge.some(ColumnValue::Column(dense), &there);
    }
    if merge.is_untouched() {
        return Ok(ColumnValue::Constant(new_null_array(result, 1)));
    }
    if !merge.is_done() {
        merge.rest(ColumnValue::Constant(new_null_array(result, 1)));
    }
    merge.finish(result)
}

/// Puts the results of several disjoint selections of rows together.
struct Merge {
    rows: usize,
    /// Which part a row's value comes from; `OPEN` where there is none yet.
    part: Vec<u32>,
    parts: Vec<ColumnValue>,
    open: usize,
}

const OPEN: u32 = u32::MAX;

impl Merge {
    fn new(rows: usize) -> Self {
        Self { rows, part: Vec::new(), parts: Vec::new(), open: rows }
    }

    fn is_untouched(&self) -> bool {
        self.parts.is_empty()
    }

    fn is_done(&self) -> bool {
        self.open == 0 && !self.parts.is_empty()
    }

    /// The rows without a value yet; `None` where that is all of them.
    fn open_mask(&self) -> Option<BooleanArray> {
        if self.parts.is_empty() {
            return None;
        }
        Some(BooleanArray::new(BooleanBuffer::collect_bool(self.rows, |row| self.part[row] == OPEN), None))
    }

    /// `value` has the results for the open rows at which `hit` (one bit for each open row) is true.
    fn some(&mut self, value: ColumnValue, hit: &BooleanArray) {
        let index = self.parts.len() as u32;
        self.parts.push(value);
        if self.part.is_empty() {
            self.part = vec![OPEN; self.rows];
            for row in hit.values().set_indices() {
                self.part[row] = index;
            }
        } else {
            let open = self.part.iter_mut().filter(|part| **part == OPEN);
            for (at, part) in open.enumerate() {
                if hit.value(at) {
                    *part = index;
                }
            }
        }
        self.open -= hit.values().count_set_bits();
    }

    /// `value` has the results for all rows that are still open.
    fn rest(&mut self, value: ColumnValue) {
        let index = self.parts.len() as u32;
        self.parts.push(value);
        if self.part.is_empty() {
            self.part = vec![index; self.rows];
        } else {
            self.part.iter_mut().filter(|part| **part == OPEN).for_each(|part| *part = index);
        }
        self.open = 0;
    }

    fn finish(self, _result: &a::DataType) -> Result<ColumnValue> {
        let mut next = vec![0usize; self.parts.len()];
        let constant: Vec<bool> = self.parts.iter().map(ColumnValue::is_constant).collect();
        let indices: Vec<(usize, usize)> = self
            .part
            .iter()
            .map(|part| {
                let part = *part as usize;
                if constant[part] {
                    return (part, 0);
                }
                next[part] += 1;
                (part, next[part] - 1)
            })
            .collect();
        let arrays: Vec<&dyn Array> = self.parts.iter().map(|p| p.array().as_ref()).collect();
        Ok(ColumnValue::Column(interleave(&arrays, &indices)?))
    }
}
