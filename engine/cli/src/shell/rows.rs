//! The rows that a query has given so far, with its changes applied: what the table view shows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use wasmill_plan::{ChangelogMode, Result, Schema, SortKey};
use wasmill_server::{Batch, RowKind, RowWriter};

use crate::output::{NULL, row_cells};

/// Between the cells of a row; no cell has it.
const SEPARATOR: &str = "\u{1f}";

/// The rows that are there now, in the order in which they came; an updated row keeps its place.
#[derive(Debug)]
pub struct ResultRows {
    rows: BTreeMap<u64, Arc<str>>,
    /// Where rows of that text stand; only kept where rows are taken back.
    places: Option<HashMap<Arc<str>, Vec<u64>>>,
    next: u64,
    /// The place that the last row taken back for an update had.
    vacated: Option<u64>,
    rows_max: usize,
    forgotten: u64,
    /// What the rows are shown in the order of, and whether that column holds numbers; nothing: as they came.
    order: Vec<(SortKey, bool)>,
}

impl ResultRows {
    /// Keeps the last `rows_max` rows.
    pub fn new(changelog: ChangelogMode, rows_max: usize) -> Self {
        let places = (changelog == ChangelogMode::Retract).then(HashMap::new);
        Self {
            rows: BTreeMap::new(),
            places,
            next: 0,
            vacated: None,
            rows_max: rows_max.max(1),
            forgotten: 0,
            order: vec![],
        }
    }
    /// Shows them in that order.
    pub fn in_order(mut self, order: Vec<SortKey>, schema: &Schema) -> Self {
        let is_number = |key: &SortKey| schema.fields[key.column].data_type.kind.is_numeric();
        self.order = order.into_iter().map(|key| (is_number(&key), key)).map(|(number, key)| (key, number)).collect();
        self
    }
    /// How many rows are there.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// How many rows were forgotten, because more came than are kept.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
    /// The cells of up to `count` rows from the `from`th on.
    pub fn window(&self, from: usize, count: usize) -> Vec<Vec<&str>> {
        if self.order.is_empty() {
            return self.rows.values().skip(from).take(count).map(|row| cells(row)).collect();
        }
        let mut rows: Vec<Vec<&str>> = self.rows.values().map(|row| cells(row)).collect();
        rows.sort_by(|a, b| {
            let by_key = |(key, is_number): &(SortKey, bool)| compare(a[key.column], b[key.column], key, *is_number);
            self.order.iter().map(by_key).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        });
        rows.into_iter().skip(from).take(count).collect()
    }
    /// Applies one change.
    pub fn apply(&mut self, kind: RowKind, cells: impl Iterator<Item = String>) {
        let text: Arc<str> = cells.collect::<Vec<_>>().join(SEPARATOR).into();
        let vacated = self.vacated.take();
        if kind.adds() {
            let place = vacated.filter(|_| kind == RowKind::UpdateAfter).unwrap_or_else(|| {
                self.next += 1;
                self.next
            });
            if let Some(places) = &mut self.places {
                places.entry(text.clone()).or_default().push(place);
            }
            self.rows.insert(place, text);
            if self.rows.len() > self.rows_max {
                self.forget_first();
            }
            return;
        }
        // A row that was forgotten cannot be taken back.
        let Some(place) = self.places.as_mut().and_then(|places| take_place(places, &text)) else { return };
        self.rows.remove(&place);
        self.vacated = (kind == RowKind::UpdateBefore).then_some(place);
    }
    fn forget_first(&mut self) {
        let Some((place, text)) = self.rows.pop_first() else { return };
        self.forgotten += 1;
        let Some(places) = &mut self.places else { return };
        if let Some(all) = places.get_mut(&text) {
            all.retain(|p| *p != place);
            if all.is_empty() {
                places.remove(&text);
            }
        }
    }
}

fn cells(row: &str) -> Vec<&str> {
    row.split(SEPARATOR).collect()
}

/// How two cells stand to each other.
fn compare(a: &str, b: &str, key: &SortKey, is_number: bool) -> Ordering {
    let nulls = (a == NULL).cmp(&(b == NULL));
    if nulls.is_ne() || a == NULL {
        return if key.nulls_first { nulls.reverse() } else { nulls };
    }
    let values = match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if is_number => a.total_cmp(&b),
        _ => a.cmp(b),
    };
    if key.descending { values.reverse() } else { values }
}

/// The last place of that text, which it has no longer.
fn take_place(places: &mut HashMap<Arc<str>, Vec<u64>>, text: &str) -> Option<u64> {
    let all = places.get_mut(text)?;
    let place = all.pop();
    if all.is_empty() {
        places.remove(text);
    }
    place
}

/// Rows that the job writes and the view reads.
#[derive(Clone, Debug)]
pub struct SharedRows(Arc<Mutex<ResultRows>>);

impl SharedRows {
    /// To be shared.
    pub fn new(rows: ResultRows) -> Self {
        Self(Arc::new(Mutex::new(rows)))
    }
    /// Looks at the rows.
    pub fn with<T>(&self, look: impl FnOnce(&mut ResultRows) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// The writer for the job.
    pub fn writer(&self, schema: Schema) -> Box<dyn RowWriter> {
        Box::new(Writer { rows: self.clone(), schema })
    }
}

struct Writer {
    rows: SharedRows,
    schema: Schema,
}

impl RowWriter for Writer {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.rows.with(|rows| {
            for row in 0..batch.len() {
                rows.apply(batch.kind(row), row_cells(batch, row, &self.schema));
            }
        });
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plan::{DataType, Field, TypeKind};

    fn rows(changes: &[(RowKind, &str)], rows_max: usize) -> (Vec<String>, ResultRows) {
        let mut rows = ResultRows::new(ChangelogMode::Retract, rows_max);
        for (kind, row) in changes {
            rows.apply(*kind, row.split(' ').map(str::to_owned));
        }
        (rows.window(0, 100).iter().map(|r| r.join(" ")).collect(), rows)
    }

    #[test]
    fn rows_of_a_top_n_are_shown_in_its_order() {
        let schema = Schema::new(vec![
            Field::new("k", DataType::nullable(TypeKind::Varchar(u32::MAX))),
            Field::new("n", DataType::nullable(TypeKind::BigInt)),
        ]);
        let key = |column, descending| SortKey { column, descending, nulls_first: !descending };
        let mut rows =
            ResultRows::new(ChangelogMode::Retract, 100).in_order(vec![key(1, true), key(0, false)], &schema);
        for row in ["a 9", "b NULL", "d 10", "c 10", "e -1"] {
            rows.apply(RowKind::Insert, row.split(' ').map(str::to_owned));
        }
        rows.apply(RowKind::UpdateBefore, ["a", "9"].map(str::to_owned).into_iter());
        rows.apply(RowKind::UpdateAfter, ["a", "100"].map(str::to_owned).into_iter());
        let shown: Vec<String> = rows.window(0, 10).iter().map(|r| r.join(" ")).collect();
        assert_eq!(shown, ["a 100", "c 10", "d 10", "e -1", "b NULL"]);
        assert_eq!(rows.window(1, 2).len(), 2);
    }

    #[test]
    fn changes_are_applied_in_place() {
        use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
        let changes = [
            (Insert, "a 1"),
            (Insert, "b 1"),
            (UpdateBefore, "a 1"),
            (UpdateAfter, "a 2"),
            (Insert, "c 1"),
            (Delete, "b 1"),
        ];
        assert_eq!(rows(&changes, 10).0, ["a 2", "c 1"]);
        // The same row twice: one of them goes.
        let (left, _) = rows(&[(Insert, "x"), (Insert, "x"), (Delete, "x")], 10);
        assert_eq!(left, ["x"]);
        // An update whose first half was filtered out is a new row; one without its second half is gone.
        assert_eq!(rows(&[(Insert, "a"), (UpdateAfter, "b")], 10).0, ["a", "b"]);
        assert_eq!(rows(&[(Insert, "a"), (UpdateBefore, "a"), (Insert, "z")], 10).0, ["z"]);
    }

    #[test]
    fn the_oldest_rows_are_forgotten() {
        use RowKind::{Insert, UpdateAfter, UpdateBefore};
        let changes = [(Insert, "a"), (Insert, "b"), (Insert, "c"), (UpdateBefore, "a"), (UpdateAfter, "d")];
        let (left, rows) = rows(&changes, 2);
        assert_eq!((left, rows.forgotten(), rows.len()), (vec!["c".to_owned(), "d".to_owned()], 2, 2));
    }
}
