//! UNNEST: one row per element of an ARRAY, MAP or MULTISET.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType as A, Int32Type, SchemaRef};
use wasmill_expr::Evaluator;
use wasmill_plan::{Error, Result, Schema, TypeKind, Unnest};

use super::evaluation::Evaluation;
use crate::batch::{Batch, take_kinds};
use crate::operator::{Operator, OperatorContext, Output};

/// See [`wasmill_plan::Operator::Unnest`].
pub struct UnnestOperator {
    collection: Evaluator,
    evaluation: Evaluation,
    multiset: bool,
    outer: bool,
    ordinality: bool,
    schema: SchemaRef,
}

/// Which input row and which element make each output row.
#[derive(Default)]
struct Pairs {
    rows: Vec<u32>,
    elements: Vec<Option<u32>>,
    ordinals: Vec<Option<i32>>,
    /// Output rows through each input row.
    ends: Vec<u32>,
}

impl UnnestOperator {
    /// From the plan's node.
    ///
    /// # Errors
    /// `Error::Query` where the collection's expression cannot be prepared, or is no collection.
    pub fn new(node: &Unnest, _input: &Schema, output: &Schema, context: &OperatorContext) -> Result<Self> {
        let kind = &node.collection.data_type.kind;
        if !matches!(kind, TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_)) {
            return Err(Error::query(format!("UNNEST takes an ARRAY, MAP or MULTISET, not {kind}")));
        }
        Ok(Self {
            collection: Evaluator::new(&node.collection, &*context.functions)?,
            evaluation: Evaluation::new(context, [&node.collection]),
            multiset: matches!(kind, TypeKind::Multiset(_)),
            outer: node.outer,
            ordinality: node.ordinality,
            schema: output.to_arrow(),
        })
    }

    fn pairs(&self, collections: &ArrayRef) -> Pairs {
        let mut pairs = Pairs::default();
        let counts = (self.multiset).then(|| collections.as_map().values().as_primitive::<Int32Type>().clone());
        for row in 0..collections.len() {
            let range = if collections.is_null(row) {
                0..0
            } else if let Some(list) = collections.as_list_opt::<i32>() {
                list.value_offsets()[row]..list.value_offsets()[row + 1]
            } else {
                let offsets = collections.as_map().value_offsets();
                offsets[row]..offsets[row + 1]
            };
            let before = pairs.rows.len();
            for element in range {
                // A multiset holds an element as often as its count says.
                let copies = counts.as_ref().map_or(1, |c| c.value(element as usize).max(0) as usize);
                pairs.rows.extend(std::iter::repeat_n(row as u32, copies));
                pairs.elements.extend(std::iter::repeat_n(Some(element as u32), copies));
            }
            let given = pairs.rows.len() - before;
            pairs.ordinals.extend((1..=given as i32).map(Some));
            if given == 0 && self.outer {
                pairs.rows.push(row as u32);
                pairs.elements.push(None);
                pairs.ordinals.push(None);
            }
            pairs.ends.push(pairs.rows.len() as u32);
        }
        pairs
    }

    /// The columns that the elements become.
    fn elements(&self, collections: &ArrayRef, elements: Vec<Option<u32>>) -> Result<Vec<ArrayRef>> {
        if let (A::Map(..), false) = (collections.data_type(), self.multiset) {
            let map = collections.as_map();
            let indices = UInt32Array::from(elements);
            return Ok(vec![take(map.keys(), &indices, None)?, take(map.values(), &indices, None)?]);
        }
        let values = match collections.data_type() {
            A::Map(..) => collections.as_map().keys().clone(),
            _ => collections.as_list::<i32>().values().clone(),
        };
        let Some(rows) = values.as_struct_opt() else {
            return Ok(vec![take(&values, &UInt32Array::from(elements), None)?]);
        };
        // A ROW's fields become columns; a NULL row gives NULL fields.
        let indices: UInt32Array =
            elements.into_iter().map(|element| element.filter(|&e| rows.is_valid(e as usize))).collect();
        rows.columns().iter().map(|column| Ok(take(column, &indices, None)?)).collect()
    }
}

impl Operator for UnnestOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let collections = self.collection.evaluate(&batch.rows, self.evaluation.of(&batch))?;
        let Pairs { rows, elements, ordinals, ends } = self.pairs(&collections);
        if rows.is_empty() {
            return Ok(());
        }
        let indices = UInt32Array::from(rows);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for column in batch.rows.columns() {
            columns.push(take(column, &indices, None)?);
        }
        columns.extend(self.elements(&collections, elements)?);
        if self.ordinality {
            columns.push(Arc::new(Int32Array::from(ordinals)));
        }
        let (watermark, steps) = batch.map_steps(|row| ends[row]);
        let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let kinds = batch.kinds.as_ref().map(|k| take_kinds(k, &indices));
        out.emit(Batch { rows, kinds, watermark, steps, hashes: None });
        Ok(())
    }
}
