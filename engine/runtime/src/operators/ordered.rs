//! The rows of each partition in the order of plain columns: what Top-N and OVER over such an order stand on.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use wasmill_plan::{Error, Result, Schema, SortKey};

use super::key_index::KeyIndex;
use super::row_heap::RowHeap;
use crate::batch::take_rows;
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows, key_group};

/// A row's place: its sort key, then its number of arrival.
pub(super) type Place = (Box<[u8]>, u64);

/// State table `rows`: the columns of the rows, then `$order` BIGINT, the number of arrival.
pub(super) struct Ordered {
    partition: Vec<usize>,
    order: Vec<SortKey>,
    converter: RowConverter,
    schema: SchemaRef,
    /// How many columns of the rows are the input's: they tell rows apart.
    input_columns: usize,
    keys: KeyIndex,
    pub(super) rows: RowHeap,
    pub(super) partitions: Vec<BTreeMap<Place, u32>>,
    next: u64,
    /// Partitions that came with a restored state and that the operator has not seen yet.
    pub(super) restored: bool,
}

/// The keys of a batch.
pub(super) struct Located {
    pub(super) partitions: Vec<u32>,
    pub(super) sort_keys: Rows,
}

impl Ordered {
    /// For rows of `schema`, whose first columns are those of `input`.
    ///
    /// # Errors
    /// `Error::Query` for columns that cannot be a key or have no order.
    pub(super) fn new(partition: &[usize], order: &[SortKey], input: &Schema, schema: SchemaRef) -> Result<Self> {
        let types: Vec<A> = input.fields.iter().map(|f| f.data_type.to_arrow()).collect();
        let field = |k: &SortKey| {
            let options = SortOptions { descending: k.descending, nulls_first: k.nulls_first };
            SortField::new_with_options(types[k.column].clone(), options)
        };
        let mut fields: Vec<SortField> = order.iter().map(field).collect();
        if fields.is_empty() {
            // Without an order all rows are equal; arrow makes no rows of no columns.
            fields.push(SortField::new(A::Boolean));
        }
        let converter = RowConverter::new(fields)
            .map_err(|e| Error::query(format!("columns of these types have no order: {e}")))?;
        Ok(Self {
            partition: partition.to_vec(),
            order: order.to_vec(),
            converter,
            rows: RowHeap::new(schema.clone()),
            schema,
            input_columns: types.len(),
            keys: KeyIndex::new(partition.iter().map(|&c| types[c].clone()).collect())?,
            partitions: Vec::new(),
            next: 0,
            restored: false,
        })
    }

    /// Partitions and sort keys of rows.
    ///
    /// # Errors
    /// `Error::Data` where a key cannot be encoded.
    pub(super) fn locate(&mut self, rows: &RecordBatch, hashes: Option<&[u64]>) -> Result<Located> {
        let columns: Vec<ArrayRef> = self.partition.iter().map(|&c| rows.column(c).clone()).collect();
        let partitions = match hashes {
            Some(hashes) => self.keys.ids(&columns, hashes)?,
            None => self.keys.ids(&columns, &hash_rows(&columns, rows.num_rows()))?,
        };
        self.partitions.resize_with(self.keys.capacity(), BTreeMap::new);
        let mut columns: Vec<ArrayRef> = self.order.iter().map(|k| rows.column(k.column).clone()).collect();
        if columns.is_empty() {
            columns.push(Arc::new(BooleanArray::from(vec![false; rows.num_rows()])));
        }
        Ok(Located { partitions, sort_keys: self.converter.convert_columns(&columns)? })
    }

    /// Puts a kept row behind those of the same sort key.
    pub(super) fn insert(&mut self, located: &Located, row: usize, id: u32) -> Place {
        let place = (located.sort_key(row), self.next);
        self.next += 1;
        self.partitions[located.partitions[row] as usize].insert(place.clone(), id);
        place
    }

    /// Finds the first row equal to that of a batch.
    pub(super) fn find(&self, located: &Located, row: usize, columns: &[ArrayRef]) -> Option<Place> {
        let partition = &self.partitions[located.partitions[row] as usize];
        let sort_key = located.sort_key(row);
        let equal = partition.range((sort_key.clone(), 0)..=(sort_key, u64::MAX));
        let input = &columns[..self.input_columns];
        equal.into_iter().find(|(_, id)| self.rows.same(**id, input, row)).map(|(place, _)| place.clone())
    }
}

impl Located {
    fn sort_key(&self, row: usize) -> Box<[u8]> {
        self.sort_keys.row(row).as_ref().into()
    }
}

impl StateTable for Ordered {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let (ids, order): (Vec<u32>, Vec<i64>) =
            self.partitions.iter().flatten().map(|((_, order), id)| (*id, *order as i64)).unzip();
        let rows = self.rows.gather(&ids)?;
        let columns: Vec<ArrayRef> = self.partition.iter().map(|&c| rows.column(c).clone()).collect();
        let hashes = hash_rows(&columns, rows.num_rows());
        let groups: ArrayRef = Arc::new(hashes.iter().map(|&h| key_group(h)).collect::<UInt16Array>());
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.schema.fields().iter().map(|f| f.as_ref().clone()));
        fields.push(Field::new("$order", A::Int64, false));
        let mut columns = vec![groups];
        columns.extend_from_slice(rows.columns());
        columns.push(Arc::new(Int64Array::from(order)));
        Ok(RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let types = self.schema.fields().iter().map(|f| f.data_type()).chain([&A::Int64]);
        if !types.eq(rows.columns().iter().skip(1).map(|c| c.data_type())) {
            return Err(Error::Corrupt { message: "table 'rows' of an ordered operator has other columns".to_owned() });
        }
        self.keys.clear();
        self.rows.clear();
        self.partitions.clear();
        self.restored = true;
        let width = self.schema.fields().len();
        let order = rows.column(width + 1).as_primitive::<Int64Type>().values();
        let mut indices: Vec<u32> = (0..rows.num_rows() as u32).collect();
        indices.sort_by_key(|&row| order[row as usize]);
        let whole = RecordBatch::try_new(self.schema.clone(), rows.columns()[1..=width].to_vec())?;
        let whole = take_rows(&whole, &UInt32Array::from(indices));
        let located = self.locate(&whole, None)?;
        // Numbers of several instances may repeat; only their order in a partition matters, which one instance had.
        self.next = 0;
        for (row, id) in self.rows.add(whole)?.into_iter().enumerate() {
            self.insert(&located, row, id);
        }
        Ok(())
    }
}
