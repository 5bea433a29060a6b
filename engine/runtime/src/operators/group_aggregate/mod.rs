//! GROUP BY without windows: a changelog of one row per key.
//!
//! Every input row that changes a key's result gives it, as in Flink, whatever the batching: +I for the first row of a key,
//! -U and +U where the result is another one, -D when the last row is retracted. A batch is worked on in rounds: the first
//! rows of all keys together, then the second ones, and so on, so that each round is columnar; the output is in the order of
//! the input rows.

mod keyed;

use arrow::array::{Array, ArrayRef, DynComparator, RecordBatch, UInt8Array, UInt32Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use wasmill_expr::UserFunctions;
use wasmill_plan::{AggregateCall, Error, Result, Schema};

use super::window_aggregate::{columns, types};
use crate::batch::{Batch, RowKind, take_kinds, take_rows};
use crate::groups::Groups;
use crate::key_table::{KeyCodec, KeyTable, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};
use keyed::Keyed;

/// See the module.
pub struct GroupAggregateOperator {
    keys: Vec<usize>,
    output: SchemaRef,
    state: Keyed,
    /// Per group, how often it came in the batch that is worked on, and where it was in its last round.
    seen: Vec<Seen>,
    batch: u64,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    batch: u64,
    rounds: u32,
    /// Of rows, while the batch is looked through.
    rows: i64,
}

/// A row of the input, and what it does to its group.
struct Change {
    row: u32,
    group: u32,
    round: u32,
    before: bool,
    after: bool,
}

impl GroupAggregateOperator {
    /// `retracting`: the input is a changelog.
    ///
    /// # Errors
    /// `Error::Query` for aggregates that cannot be.
    pub fn new(
        keys: &[usize],
        aggregates: &[AggregateCall],
        input: &Schema,
        output: &Schema,
        retracting: bool,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let state = Keyed {
            codec: KeyCodec::new(types(input, keys))?,
            table: KeyTable::default(),
            groups: Groups::new(aggregates, retracting, functions)?,
            rows: Vec::new(),
            retracting,
            keys_swept: 0,
        };
        Ok(Self { keys: keys.to_vec(), output: output.to_arrow(), state, seen: Vec::new(), batch: 0 })
    }

    /// What each row does, in order; rows that retract what is not there do nothing, and are left out.
    fn changes(&mut self, batch: &Batch) -> Result<Vec<Change>> {
        let key_columns = columns(&batch.rows, &self.keys);
        let computed;
        let hashes = match &batch.hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&key_columns, batch.len());
                &computed
            }
        };
        let keys = self.state.codec.view(&key_columns)?;
        self.batch += 1;
        let mut changes = Vec::with_capacity(batch.len());
        for (row, &hash) in hashes.iter().enumerate() {
            let adds = batch.kind(row).adds();
            let state = &mut self.state;
            let (table, groups) = (&mut state.table, &mut state.groups);
            let group = with_keys!(&keys, view => if adds {
                Some(table.find_or_insert(view, hash, row, || groups.allocate()))
            } else {
                table.find(view, hash, row).map(|at| table.entries()[at].group)
            });
            let Some(group) = group else { continue };
            let groups = group as usize + 1;
            if groups > self.seen.len() {
                self.seen.resize(groups, Seen::default());
                state.rows.resize(groups.max(state.rows.len()), 0);
            }
            let seen = &mut self.seen[group as usize];
            if seen.batch != self.batch {
                *seen = Seen { batch: self.batch, rounds: 0, rows: state.rows[group as usize] };
            }
            let before = seen.rows > 0;
            if !adds && !before {
                continue;
            }
            seen.rows += match (adds, state.retracting) {
                (true, true) => 1,
                (false, true) => -1,
                (true, false) => i64::from(!before),
                (false, false) => return Err(Error::query("a row was taken back on an input that only adds rows")),
            };
            changes.push(Change { row: row as u32, group, round: seen.rounds, before, after: seen.rows > 0 });
            seen.rounds += 1;
        }
        for change in &changes {
            self.state.rows[change.group as usize] = self.seen[change.group as usize].rows;
        }
        Ok(changes)
    }

    /// Results before and after each change: columns of results, and per change the places of its two in them.
    fn results(&mut self, batch: &Batch, changes: &[Change]) -> Result<(Vec<ArrayRef>, Vec<(u32, u32)>)> {
        let rounds = changes.iter().map(|c| c.round as usize + 1).max().unwrap_or(0);
        let mut by_round: Vec<Vec<u32>> = vec![Vec::new(); rounds];
        for (i, change) in changes.iter().enumerate() {
            by_round[change.round as usize].push(i as u32);
        }
        let groups = &mut self.state.groups;
        let mut parts: Vec<Vec<ArrayRef>> = Vec::with_capacity(rounds + 1);
        let mut places = vec![(0u32, 0u32); changes.len()];
        let mut place_of: Vec<u32> = vec![0; self.seen.len()];
        let mut next = 0;
        for round in by_round {
            let round: Vec<usize> = round.into_iter().map(|i| i as usize).collect();
            let of: Vec<u32> = round.iter().map(|&i| changes[i].group).collect();
            if next == 0 {
                parts.push(groups.finish(&of)?);
                for &g in &of {
                    place_of[g as usize] = next;
                    next += 1;
                }
            }
            let (rows, kinds) = rows_of(batch, round.iter().map(|&i| changes[i].row));
            groups.update(&of, &rows, kinds.as_ref())?;
            parts.push(groups.finish(&of)?);
            for (&i, &g) in round.iter().zip(&of) {
                places[i] = (place_of[g as usize], next);
                place_of[g as usize] = next;
                next += 1;
            }
            let gone: Vec<u32> = round.iter().filter(|&&i| !changes[i].after).map(|&i| changes[i].group).collect();
            if !gone.is_empty() {
                groups.clear(&gone);
            }
        }
        let column = |c: usize| {
            let arrays: Vec<&dyn Array> = parts.iter().map(|p| p[c].as_ref()).collect();
            arrow::compute::concat(&arrays)
        };
        let width = parts.first().map_or(0, Vec::len);
        let results = (0..width).map(column).collect::<Result<Vec<_>, _>>()?;
        Ok((results, places))
    }
}

/// Some rows of a batch; a run of rows is not copied.
fn rows_of(batch: &Batch, rows: impl ExactSizeIterator<Item = u32> + Clone) -> (RecordBatch, Option<UInt8Array>) {
    let (first, len) = (rows.clone().next().unwrap_or(0), rows.len());
    if rows.clone().enumerate().all(|(i, row)| row == first + i as u32) {
        let kinds = batch.kinds.as_ref().map(|k| k.slice(first as usize, len));
        return (batch.rows.slice(first as usize, len), kinds);
    }
    let rows = UInt32Array::from_iter_values(rows);
    (take_rows(&batch.rows, &rows), batch.kinds.as_ref().map(|k| take_kinds(k, &rows)))
}

/// Whether two places of a column hold the same value.
enum Same<'a> {
    Compared(DynComparator),
    Sliced(&'a ArrayRef),
}

impl<'a> Same<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self> {
        if column.data_type().is_nested() {
            return Ok(Self::Sliced(column));
        }
        Ok(Self::Compared(make_comparator(column, column, SortOptions::default())?))
    }
    fn holds(&self, a: u32, b: u32) -> bool {
        match self {
            Self::Compared(compare) => compare(a as usize, b as usize).is_eq(),
            Self::Sliced(column) => column.slice(a as usize, 1) == column.slice(b as usize, 1),
        }
    }
}

impl Operator for GroupAggregateOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let changes = self.changes(&batch)?;
        if changes.is_empty() {
            return Ok(());
        }
        let (results, places) = self.results(&batch, &changes)?;
        let same = results.iter().map(Same::of).collect::<Result<Vec<_>>>()?;
        let (mut kinds, mut keys_at, mut results_at) = (Vec::new(), Vec::new(), Vec::new());
        let mut give = |kind: RowKind, row: u32, place: u32| {
            kinds.push(kind as u8);
            keys_at.push(row);
            results_at.push(place);
        };
        for (change, &(before, after)) in changes.iter().zip(&places) {
            match (change.before, change.after) {
                (false, true) => give(RowKind::Insert, change.row, after),
                (true, false) => give(RowKind::Delete, change.row, before),
                (true, true) if !same.iter().all(|s| s.holds(before, after)) => {
                    give(RowKind::UpdateBefore, change.row, before);
                    give(RowKind::UpdateAfter, change.row, after);
                }
                _ => {}
            }
        }
        drop(same);
        self.state.sweep();
        if kinds.is_empty() {
            return Ok(());
        }
        let (keys_at, results_at) = (UInt32Array::from(keys_at), UInt32Array::from(results_at));
        let mut given = Vec::with_capacity(self.keys.len() + results.len());
        for column in columns(&batch.rows, &self.keys) {
            given.push(arrow::compute::take(&column, &keys_at, None)?);
        }
        for column in results {
            given.push(arrow::compute::take(&column, &results_at, None)?);
        }
        let rows = RecordBatch::try_new(self.output.clone(), given)
            .map_err(|e| Error::query(format!("the columns of a group are not of the plan's types: {e}")))?;
        out.emit(Batch::changes(rows, UInt8Array::from(kinds)));
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.state]
    }
}

#[cfg(test)]
mod tests;
