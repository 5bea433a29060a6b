//! The columns a source reads: which it decodes, which are metadata, and how the two make a batch.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StructArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::SchemaRef;
use wasmill_plan::{ColumnKind, DataType, Field, Result, Schema, SourceNode, TypeKind};

/// A value that a connector knows about all rows of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MetadataValue {
    Text(String),
    BigInt(i64),
    /// An instant, ms since the epoch.
    Instant(i64),
    Null,
}

/// Where an output column comes from.
#[derive(Clone, Debug)]
enum Slot {
    /// The nth decoded column.
    Decoded(usize),
    /// The nth decoded column, with NULL for the fields of its ROW that are not decoded.
    Widened { index: usize, fields: Vec<Field>, decoded: Vec<usize> },
    /// The metadata of that key, converted to that type.
    Metadata { key: String, data_type: DataType },
}

/// What a source reads of its table.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    /// The physical columns to decode, in output order; of a ROW only the fields that are read, where the format finds them by name.
    pub(crate) fields: Vec<Field>,
    slots: Vec<Slot>,
    schema: SchemaRef,
}

impl Projection {
    /// As the node says.
    pub(crate) fn of(node: &SourceNode) -> Self {
        let (mut fields, mut slots, mut output) = (Vec::new(), Vec::new(), Vec::new());
        let by_name = node.table.option("format") == Some("json");
        for (place, &index) in node.projection.iter().enumerate() {
            let column = &node.table.columns[index];
            let field = Field::new(&column.name, column.data_type.clone());
            output.push(field.clone());
            match &column.kind {
                ColumnKind::Metadata { key, .. } => {
                    slots.push(Slot::Metadata { key: key.clone(), data_type: column.data_type.clone() });
                }
                ColumnKind::Physical | ColumnKind::Computed(_) => {
                    assert!(column.kind == ColumnKind::Physical, "column '{}' is not read from a source", column.name);
                    let read = node.row_fields.get(place).and_then(Option::as_ref).filter(|_| by_name);
                    match (&column.data_type.kind, read) {
                        (TypeKind::Row(all), Some(read)) => {
                            // A field that cannot be NULL has to be decoded.
                            let is_decoded = |i: &usize| read.contains(i) || !all[*i].data_type.nullable;
                            let decoded: Vec<usize> = (0..all.len()).filter(is_decoded).collect();
                            let kind = TypeKind::Row(decoded.iter().map(|&i| all[i].clone()).collect());
                            slots.push(Slot::Widened { index: fields.len(), fields: all.clone(), decoded });
                            fields.push(Field::new(&column.name, DataType { kind, ..column.data_type.clone() }));
                        }
                        _ => {
                            slots.push(Slot::Decoded(fields.len()));
                            fields.push(field);
                        }
                    }
                }
            }
        }
        Self { fields, slots, schema: Schema::new(output).to_arrow() }
    }

    /// A batch of `rows` rows; `metadata` gives the values by key.
    ///
    /// # Errors
    /// A metadata value that does not convert to its column's type.
    pub(crate) fn batch(
        &self,
        decoded: Vec<ArrayRef>,
        rows: usize,
        metadata: impl Fn(&str) -> MetadataValue,
    ) -> Result<RecordBatch> {
        debug_assert!(decoded.iter().all(|c| c.len() == rows));
        let columns = self.slots.iter().map(|slot| match slot {
            Slot::Decoded(index) => Ok(decoded[*index].clone()),
            Slot::Widened { index, fields, decoded: which } => widened(&decoded[*index], fields, which),
            Slot::Metadata { key, data_type } => metadata_column(&metadata(key), data_type, rows),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns.collect::<Result<_>>()?, &options)?)
    }
}

/// A ROW column of all `fields`, of those at `decoded` the ones of `narrow`.
fn widened(narrow: &ArrayRef, fields: &[Field], decoded: &[usize]) -> Result<ArrayRef> {
    let narrow = narrow.as_struct();
    let column = |(index, field): (usize, &Field)| match decoded.binary_search(&index) {
        Ok(place) => narrow.column(place).clone(),
        Err(_) => arrow::array::new_null_array(&field.data_type.to_arrow(), narrow.len()),
    };
    let columns = fields.iter().enumerate().map(column).collect();
    let fields = Schema::new(fields.to_vec()).to_arrow().fields().clone();
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, narrow.nulls().cloned(), narrow.len())?))
}

fn metadata_column(value: &MetadataValue, data_type: &DataType, rows: usize) -> Result<ArrayRef> {
    let arrow = data_type.to_arrow();
    let native: ArrayRef = match value {
        MetadataValue::Text(text) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows))),
        MetadataValue::BigInt(number) => Arc::new(Int64Array::from_value(*number, rows)),
        MetadataValue::Instant(ms) => {
            Arc::new(TimestampMillisecondArray::from_value(*ms, rows).with_timezone("+00:00"))
        }
        MetadataValue::Null => arrow::array::new_null_array(&arrow, rows),
    };
    if *native.data_type() == arrow {
        return Ok(native);
    }
    Ok(arrow::compute::cast(&native, &arrow)?)
}
