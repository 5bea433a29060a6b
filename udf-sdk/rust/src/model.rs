//! Models: one value of the user's type in each instance, loaded or restored before it predicts.

use std::cell::RefCell;

use crate::batch::{Batch, Column, RawResult};
use crate::result::{IntoRow, Outcome, Row, Status, fail, give};

/// The instance's model.
pub struct Holder<M>(RefCell<Option<M>>);

// SAFETY: a module runs on one thread; the engine lets modules have no others.
unsafe impl<M> Sync for Holder<M> {}

impl<M> Holder<M> {
    /// Without a model yet.
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }
    /// Takes a model that was loaded.
    pub fn take(&self, loaded: Result<M, String>, result: &mut RawResult) -> u32 {
        match loaded {
            Ok(model) => {
                *self.0.borrow_mut() = Some(model);
                0
            }
            Err(why) => fail(why, result),
        }
    }
    /// Calls `work` with the model; one that was never loaded is made by `fresh`.
    pub fn with(
        &self,
        result: &mut RawResult,
        fresh: impl FnOnce() -> Result<M, String>,
        work: impl FnOnce(&mut M, &mut RawResult) -> u32,
    ) -> u32 {
        let mut model = self.0.borrow_mut();
        if model.is_none() {
            match fresh() {
                Ok(made) => *model = Some(made),
                Err(why) => return fail(why, result),
            }
        }
        work(model.as_mut().expect("made above"), result)
    }
}

/// The INPUT of a model that takes any number of DOUBLE columns, `&[f64]` or `&[Option<f64>]`.
pub struct Features {
    width: usize,
    /// Row by row.
    values: Vec<f64>,
    /// Which of them are NULL; empty where none is.
    nulls: Vec<bool>,
    with_nulls: Vec<Option<f64>>,
}

/// Refuses a batch of another number of columns than a model takes.
pub fn width(batch: &Batch, wanted: usize, result: &mut RawResult) -> u32 {
    match batch.columns() {
        given if given == wanted => 0,
        given => fail(format!("the model takes {wanted} columns, its INPUT has {given}"), result),
    }
}

impl Features {
    /// All columns of the batch but the last `labels`.
    pub fn new(batch: &Batch, labels: usize) -> Self {
        let (width, rows) = (batch.columns() - labels, batch.rows());
        let (mut values, mut nulls) = (vec![0.0; width * rows], Vec::new());
        for i in 0..width {
            let column = batch.column(i);
            let of_column = column.values::<f64>();
            let places = values.iter_mut().skip(i).step_by(width.max(1));
            match of_column {
                [one] if column.is_constant() => places.for_each(|place| *place = *one),
                many => places.zip(many).for_each(|(place, value)| *place = *value),
            }
            for row in (0..rows).filter(|&row| column.is_null(row)) {
                nulls.resize(width * rows, false);
                nulls[row * width + i] = true;
            }
        }
        Self { width, values, nulls, with_nulls: Vec::new() }
    }
    /// The values of that row, NULLs among them.
    #[inline]
    pub fn row_with_nulls(&mut self, row: usize) -> Option<&[Option<f64>]> {
        let range = row * self.width..(row + 1) * self.width;
        self.with_nulls.clear();
        match self.nulls.get(range.clone()) {
            None => self.with_nulls.extend(self.values[range].iter().map(|&value| Some(value))),
            Some(nulls) => {
                let values = self.values[range].iter().zip(nulls);
                self.with_nulls.extend(values.map(|(&value, &null)| (!null).then_some(value)));
            }
        }
        Some(&self.with_nulls)
    }
    /// The values of that row; `None` where one of them is NULL.
    #[inline]
    pub fn row(&mut self, row: usize) -> Option<&[f64]> {
        let range = row * self.width..(row + 1) * self.width;
        match self.nulls.get(range.clone()) {
            Some(nulls) if nulls.contains(&true) => None,
            _ => Some(&self.values[range]),
        }
    }
}

/// Predicts each row and then learns from it, where none of its `labels`, the last columns, is NULL.
pub fn predict_learn<M, R: Outcome<Row: Row>, S: Status>(
    batch: &Batch,
    result: &mut RawResult,
    labels: usize,
    model: &mut M,
    mut predict: impl FnMut(&mut M, usize) -> Option<R>,
    mut learn: impl FnMut(&mut M, usize) -> Option<S>,
) -> u32 {
    let labels: Vec<Column> = (batch.columns() - labels..batch.columns()).map(|i| batch.column(i)).collect();
    let mut columns = <R::Row as Row>::Builders::default();
    for row in 0..batch.rows() {
        match predict(model, row).map(Outcome::outcome) {
            Some(Ok(value)) => value.put_row(&mut columns),
            Some(Err(why)) => return fail(why, result),
            None => R::Row::put_nulls(&mut columns),
        }
        let known = labels.iter().all(|label| !label.is_null(row));
        if let Some(Err(why)) = known.then(|| learn(model, row)).flatten().map(Status::status) {
            return fail(why, result);
        }
    }
    give(columns, batch.rows(), result)
}

/// What the host gave as address and length.
///
/// # Safety
/// It did, for as long as the call takes.
pub unsafe fn bytes<'a>(address: *const u8, length: u32) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(address, length as usize) }
}

/// Hands bytes to the host, as a column of one row.
pub fn give_bytes(bytes: Vec<u8>, result: &mut RawResult) -> u32 {
    let mut columns = <Vec<u8> as Row>::Builders::default();
    bytes.put(&mut columns.0);
    give(columns, 1, result)
}
