//! Aggregate functions: the states of all groups lie in an array of the host's, one behind the other.

use crate::batch::{Batch, RawResult};
use crate::result::{Outcome, Row, Status, fail, give};
use crate::scalar::each;

/// Bytes from one state to the next: a multiple of 8, as ABI.md asks.
pub const fn state_bytes<S>() -> u32 {
    let bytes = std::mem::size_of::<S>().next_multiple_of(8);
    assert!(bytes <= 65_536, "the state of an aggregate function has at most 65,536 bytes");
    assert!(std::mem::align_of::<S>() <= 64, "the host aligns states to 64 bytes");
    if bytes == 0 { 8 } else { bytes as u32 }
}

/// The states, and which of them the rows of a call are about.
#[derive(Clone, Copy)]
pub struct Groups {
    states: *mut u8,
    groups: *const u32,
}

impl Groups {
    /// What the host gave.
    ///
    /// # Safety
    /// `states` is an array of states of the type that all uses name, and `groups` has an entry for each row of the call.
    pub unsafe fn new(states: *mut u8, groups: *const u32) -> Self {
        Self { states, groups }
    }
    /// The state of that row's group; valid for as long as no other reference to it is made.
    #[inline]
    pub fn state<S>(self, row: usize) -> *mut S {
        // SAFETY: as `new` was promised.
        unsafe { self.states.add(*self.groups.add(row) as usize * state_bytes::<S>() as usize).cast() }
    }
}

/// Makes states empty, whatever bytes they had.
pub fn init<S: Default>(groups: Groups, count: u32) {
    for i in 0..count as usize {
        // SAFETY: the bytes are the host's for this; what was there is nothing that must be dropped.
        unsafe { groups.state::<S>(i).write(S::default()) };
    }
}

/// Makes states empty that were in use, and gives back what they held.
pub fn clear<S: Default>(groups: Groups, count: u32) {
    for i in 0..count as usize {
        // SAFETY: no other reference to the state is alive.
        unsafe { *groups.state::<S>(i) = S::default() };
    }
}

/// A column of the results of `count` groups.
pub fn finish<S, R: Outcome<Row: Row>>(
    groups: Groups,
    count: u32,
    result: &mut RawResult,
    function: impl Fn(&S) -> R,
) -> u32 {
    let mut columns = <R::Row as Row>::Builders::default();
    for i in 0..count as usize {
        // SAFETY: no other reference to the state is alive.
        match function(unsafe { &*groups.state::<S>(i) }).outcome() {
            Ok(row) => row.put_row(&mut columns),
            Err(why) => return fail(why, result),
        }
    }
    give(columns, count as usize, result)
}

/// Adds to state `into[i]` what `from[i]` holds. No group is in both.
pub fn merge<S, R: Status>(
    into: Groups,
    from: Groups,
    count: u32,
    result: &mut RawResult,
    function: impl Fn(&mut S, &S) -> R,
) -> u32 {
    for i in 0..count as usize {
        // SAFETY: the two are different states, and no other reference to them is alive.
        let (into, from) = unsafe { (&mut *into.state::<S>(i), &*from.state::<S>(i)) };
        if let Err(why) = function(into, from).status() {
            return fail(why, result);
        }
    }
    0
}

/// A column of the bytes of `count` states.
pub fn save<S>(groups: Groups, count: u32, result: &mut RawResult, function: impl Fn(&S) -> Vec<u8>) -> u32 {
    finish::<S, Vec<u8>>(groups, count, result, function)
}

/// Fills empty states from the column that [`save`] made.
pub fn load<S>(
    groups: Groups,
    batch: &Batch,
    result: &mut RawResult,
    function: impl Fn(&[u8]) -> Result<S, String>,
) -> u32 {
    let bytes = batch.column(0);
    each(batch, result, |row| {
        // SAFETY: no other reference to the state is alive.
        Some(function(bytes.bytes(row)).map(|state| unsafe { *groups.state::<S>(row) = state }))
    })
}
