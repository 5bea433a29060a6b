//! Whole rows kept by id, in columns: what operators hold that must give rows back as they came.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::SchemaRef;
use wasmill_plan::Result;

use crate::batch::take_rows;

/// Rows are never copied one by one: a batch is kept until more than half of all that is kept is dead; then the living
/// rows move into a new batch, and keep their ids.
pub(crate) struct RowHeap {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// (batch, row) of each id.
    places: Vec<(u32, u32)>,
    live: Vec<bool>,
    free: Vec<u32>,
    /// Rows in all batches.
    held: usize,
}

/// Dead rows that are not worth a clean-up.
const SLACK_ROWS: usize = 8192;

impl RowHeap {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), places: Vec::new(), live: Vec::new(), free: Vec::new(), held: 0 }
    }

    /// Keeps the rows, and gives their ids.
    ///
    /// # Errors
    /// None for rows of the heap's schema.
    pub(crate) fn add(&mut self, rows: RecordBatch) -> Result<Vec<u32>> {
        if self.held > SLACK_ROWS + 2 * (self.places.len() - self.free.len()) {
            self.compact()?;
        }
        let batch = self.batches.len() as u32;
        let mut ids = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() as u32 {
            let id = self.free.pop().unwrap_or_else(|| {
                self.places.push((0, 0));
                self.live.push(false);
                self.places.len() as u32 - 1
            });
            (self.places[id as usize], self.live[id as usize]) = ((batch, row), true);
            ids.push(id);
        }
        self.held += rows.num_rows();
        self.batches.push(rows);
        Ok(ids)
    }

    /// Forgets a row.
    pub(crate) fn remove(&mut self, id: u32) {
        debug_assert!(self.live[id as usize], "a row is removed once");
        self.live[id as usize] = false;
        self.free.push(id);
    }

    /// Those rows.
    ///
    /// # Errors
    /// None for ids of living rows.
    pub(crate) fn gather(&self, ids: &[u32]) -> Result<RecordBatch> {
        if ids.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let places: Vec<(usize, usize)> =
            ids.iter().map(|&id| self.places[id as usize]).map(|(b, r)| (b as usize, r as usize)).collect();
        let first = places[0].0;
        if places.iter().all(|p| p.0 == first) {
            let rows = UInt32Array::from_iter_values(places.iter().map(|p| p.1 as u32));
            return Ok(take_rows(&self.batches[first], &rows));
        }
        // Only the batches that are read: there may be many small ones.
        let mut used: Vec<usize> = places.iter().map(|p| p.0).collect();
        used.sort_unstable();
        used.dedup();
        let batches: Vec<&RecordBatch> = used.iter().map(|&b| &self.batches[b]).collect();
        let places: Vec<(usize, usize)> =
            places.into_iter().map(|(b, r)| (used.binary_search(&b).expect("collected above"), r)).collect();
        Ok(arrow::compute::interleave_record_batch(&batches, &places)?)
    }

    /// Whether the first columns of a kept row are those of a row of `columns`.
    pub(crate) fn same(&self, id: u32, columns: &[ArrayRef], row: usize) -> bool {
        let (batch, at) = self.places[id as usize];
        let kept = self.batches[batch as usize].columns();
        columns.iter().zip(kept).all(|(a, b)| a.slice(row, 1).to_data() == b.slice(at as usize, 1).to_data())
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.schema.clone());
    }

    fn compact(&mut self) -> Result<()> {
        let ids: Vec<u32> = (0..self.places.len() as u32).filter(|&id| self.live[id as usize]).collect();
        let rows = self.gather(&ids)?;
        for (row, &id) in ids.iter().enumerate() {
            self.places[id as usize] = (0, row as u32);
        }
        self.held = rows.num_rows();
        self.batches = vec![rows];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rows;

    #[test]
    fn rows_keep_their_ids_when_the_dead_are_cleared_away() {
        let schema = rows::schema("a INT, s STRING");
        let mut heap = RowHeap::new(schema.to_arrow());
        let mut kept = Vec::new();
        for round in 0..40 {
            let lines: Vec<String> = (0..1000).map(|row| format!("{row} | r{round}")).collect();
            let ids = heap.add(rows::batch(&schema, &lines.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
            ids.iter().filter(|&&id| id != ids[7]).for_each(|&id| heap.remove(id));
            kept.push(ids[7]);
        }
        assert!(heap.batches.len() < 15, "{} batches", heap.batches.len());
        let lines = rows::lines(&heap.gather(&kept).unwrap());
        assert_eq!((lines[0].as_str(), lines[39].as_str()), ("7 | r0", "7 | r39"));
        assert!(heap.same(kept[3], heap.gather(&kept).unwrap().columns(), 3));
        assert!(!heap.same(kept[3], heap.gather(&kept).unwrap().columns(), 4));
    }
}
