//! Models: one value of the user's type in each instance, loaded or restored before it predicts.

use std::cell::RefCell;

use crate::batch::RawResult;
use crate::result::{IntoRow, Row, fail, give};

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
