//! The array of states in guest memory, and the exports that work on it.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use std::sync::Arc;
use wasmill_plan::{DataType, TypeKind};
use wasmtime::TypedFunc;

use crate::columns::{Call, Guest};
use crate::error::Result as CreateResult;
use crate::instance::Failure;
use crate::module::Module;
use crate::signature;

const STATE_BYTES_MAX: u32 = 64 << 10;
/// Room at first, and the least growth.
const GROUPS_MIN: u32 = 64;
/// Groups of one call of `init`.
const INIT_GROUPS: usize = 8192;

/// `(states, groups, count) -> ()`.
type Each = TypedFunc<(u32, u32, u32), ()>;
/// `(states, groups, in, out) -> code`, or with a count for `in`.
type Rows = TypedFunc<(u32, u32, u32, u32), u32>;
/// `(states, into, from, count, out) -> code`.
type Merge = TypedFunc<(u32, u32, u32, u32, u32), u32>;

/// Which of the optional exports there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exports {
    pub retract: bool,
    pub merge: bool,
    clear: bool,
    pub save: bool,
}

impl Exports {
    /// Checks the exports of aggregate function `name`, and their types.
    pub(super) fn find(module: &Module, name: &str) -> CreateResult<Self> {
        signature::columns_abi(module, &format!("the aggregate function '{name}'"))?;
        let needs = |suffix: &str, params: usize, results: usize| {
            signature::needs(module, name, suffix, params, results, "Aggregate functions")
        };
        let may = |suffix: &str, params: usize, results: usize| {
            signature::may_have(module, name, suffix, params, results, "Aggregate functions")
        };
        needs("__state_size", 0, 1)?;
        needs("__init", 3, 0)?;
        needs("__acc", 4, 1)?;
        needs("__finish", 4, 1)?;
        let exports = Self {
            retract: may("__retract", 4, 1)?,
            merge: may("__merge", 5, 1)?,
            clear: may("__clear", 3, 0)?,
            save: may("__save", 4, 1)?,
        };
        if may("__load", 4, 1)? != exports.save {
            let (there, missing) = if exports.save { ("__save", "__load") } else { ("__load", "__save") };
            return Err(crate::Error::new(format!(
                "'{}' exports '{name}{there}' but not '{name}{missing}'",
                module.path().display()
            ))
            .hint("states are saved by both, or are plain bytes; see udf-sdk/ABI.md, \"Aggregate functions\""));
        }
        Ok(exports)
    }
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accumulate {
    Add,
    Retract,
}

/// One instance and its states.
pub(super) struct States {
    pub guest: Guest,
    /// Bytes of a state.
    pub size: u32,
    address: u32,
    capacity: u32,
    /// Groups that were made empty once; the others hold whatever memory held.
    groups: u32,
    init: Each,
    acc: Rows,
    finish: Rows,
    retract: Option<Rows>,
    merge: Option<Merge>,
    clear: Option<Each>,
    save: Option<(Rows, Rows)>,
    bytes: [DataType; 1],
}

impl States {
    pub(super) fn new(mut guest: Guest, name: &str, exports: &Exports) -> Result<Self, Failure> {
        let size: TypedFunc<(), u32> = guest.export(&format!("{name}__state_size"), "() -> i32")?;
        let size = guest.run(&size, ())?;
        if !size.is_multiple_of(8) || !(8..=STATE_BYTES_MAX).contains(&size) {
            return Err(Failure::wrong(format!(
                "{name}__state_size gave {size}; a state has a multiple of 8 bytes, from 8 to {STATE_BYTES_MAX}"
            )));
        }
        let mut rows = |suffix: &str| guest.export(&format!("{name}{suffix}"), "(i32, i32, i32, i32) -> i32");
        let (acc, finish) = (rows("__acc")?, rows("__finish")?);
        let retract = exports.retract.then(|| rows("__retract")).transpose()?;
        let save = if exports.save { Some((rows("__save")?, rows("__load")?)) } else { None };
        let mut each = |suffix: &str| guest.export(&format!("{name}{suffix}"), "(i32, i32, i32) -> nothing");
        let init = each("__init")?;
        let clear = exports.clear.then(|| each("__clear")).transpose()?;
        let merge = exports
            .merge
            .then(|| guest.export(&format!("{name}__merge"), "(i32, i32, i32, i32, i32) -> i32"))
            .transpose()?;
        let bytes = [DataType::not_null(TypeKind::Varbinary(wasmill_plan::MAX_LENGTH))];
        let (address, capacity, groups) = (0, 0, 0);
        Ok(Self { guest, size, address, capacity, groups, init, acc, finish, retract, merge, clear, save, bytes })
    }

    /// Makes room for groups up to `wanted`, the new ones empty.
    pub(super) fn resize(&mut self, wanted: usize) -> Result<(), Failure> {
        if wanted <= self.groups as usize {
            return Ok(());
        }
        self.reserve(wanted)?;
        let new: Vec<u32> = (self.groups..wanted as u32).collect();
        for groups in new.chunks(INIT_GROUPS) {
            let init = self.init.clone();
            self.each(&init, groups)?;
        }
        self.groups = wanted as u32;
        Ok(())
    }

    fn reserve(&mut self, wanted: usize) -> Result<(), Failure> {
        if wanted <= self.capacity as usize {
            return Ok(());
        }
        let too_many = || Failure::wrong(format!("{wanted} states do not fit 32-bit addresses"));
        let wanted = u32::try_from(wanted).map_err(|_| too_many())?;
        let double = self.capacity.saturating_mul(2);
        // At the limit it grows by what is needed, before it gives up.
        let sizes = [wanted.max(double).max(GROUPS_MIN), wanted];
        let mut grown = Err(too_many());
        for capacity in sizes {
            let Some(bytes) = capacity.checked_mul(self.size) else { continue };
            grown = self.guest.allocate(bytes, "the states of groups").map(|address| (address, capacity));
            if grown.is_ok() {
                break;
            }
        }
        let (address, capacity) = grown?;
        if self.capacity > 0 {
            let (from, used) = (self.address as usize, self.capacity as usize * self.size as usize);
            let memory = self.guest.memory.data_mut(&mut self.guest.instance.store);
            memory.copy_within(from..from + used, address as usize);
            self.guest.give_back(self.address, self.capacity * self.size)?;
        }
        (self.address, self.capacity) = (address, capacity);
        Ok(())
    }

    fn each(&mut self, function: &Each, groups: &[u32]) -> Result<(), Failure> {
        let placed = self.guest.place(&Call { groups: &[groups], ..Call::default() })?;
        self.guest.run(function, (self.address, placed.groups[0], groups.len() as u32))
    }

    /// Empties groups.
    pub(super) fn clear(&mut self, groups: &[u32]) -> Result<(), Failure> {
        let function = self.clear.as_ref().unwrap_or(&self.init).clone();
        self.each(&function, groups)
    }

    pub(super) fn accumulate(
        &mut self,
        way: Accumulate,
        groups: &[u32],
        args: &[ArrayRef],
        types: &[DataType],
    ) -> Result<(), Failure> {
        let rows = groups.len();
        let placed = self.guest.place(&Call { rows, args, arg_types: types, groups: &[groups], ..Call::default() })?;
        let function = match way {
            Accumulate::Add => &self.acc,
            Accumulate::Retract => self.retract.as_ref().expect("asked for before"),
        };
        let params = (self.address, placed.groups[0], placed.input, placed.output);
        let code = self.guest.run(function, params)?;
        self.guest.succeeded(code, &placed)
    }

    pub(super) fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<(), Failure> {
        let placed = self.guest.place(&Call { groups: &[into, from], ..Call::default() })?;
        let merge = self.merge.as_ref().ok_or_else(|| Failure::wrong("its module exports no '…__merge'"))?;
        let [into_at, from_at] = placed.groups;
        let code = self.guest.run(merge, (self.address, into_at, from_at, into.len() as u32, placed.output))?;
        self.guest.succeeded(code, &placed)
    }

    pub(super) fn finish(&mut self, groups: &[u32], returns: &DataType) -> Result<ArrayRef, Failure> {
        let finish = self.finish.clone();
        self.give(&finish, groups, std::slice::from_ref(returns))
    }

    fn give(&mut self, function: &Rows, groups: &[u32], results: &[DataType]) -> Result<ArrayRef, Failure> {
        let count = groups.len();
        let placed = self.guest.place(&Call { groups: &[groups], results, result_rows: count, ..Call::default() })?;
        let params = (self.address, placed.groups[0], count as u32, placed.output);
        let code = self.guest.run(function, params)?;
        Ok(self.guest.results(code, &placed, results, count)?.remove(0))
    }

    /// The states of groups, to be kept: what the guest makes of them, or their bytes.
    pub(super) fn save(&mut self, groups: &[u32]) -> Result<ArrayRef, Failure> {
        let Some((save, _)) = &self.save else {
            let memory = self.guest.memory.data(&self.guest.instance.store);
            return Ok(Arc::new(BinaryArray::from_iter_values(groups.iter().map(|&g| &memory[self.range(g)]))));
        };
        let (save, types) = (save.clone(), self.bytes.clone());
        let saved = self.give(&save, groups, &types)?;
        if saved.null_count() > 0 {
            return Err(Failure::wrong("it saved NULL as a state"));
        }
        Ok(saved)
    }

    /// The first saved state that cannot be one of these.
    pub(super) fn wrong_size(&self, saved: &BinaryArray) -> Option<usize> {
        if self.save.is_some() {
            return None;
        }
        (0..saved.len()).find(|&row| saved.value(row).len() != self.size as usize)
    }

    /// Fills groups, which are empty, with what [`States::save`] gave.
    pub(super) fn load(&mut self, groups: &[u32], saved: &ArrayRef) -> Result<(), Failure> {
        let Some((_, load)) = &self.save else {
            let saved = saved.as_binary::<i32>();
            for (row, &group) in groups.iter().enumerate() {
                let range = self.range(group);
                self.guest.memory.data_mut(&mut self.guest.instance.store)[range].copy_from_slice(saved.value(row));
            }
            return Ok(());
        };
        let (load, types, args) = (load.clone(), self.bytes.clone(), [saved.clone()]);
        let rows = groups.len();
        let call = Call { rows, args: &args, arg_types: &types, groups: &[groups], ..Call::default() };
        let placed = self.guest.place(&call)?;
        let params = (self.address, placed.groups[0], placed.input, placed.output);
        let code = self.guest.run(&load, params)?;
        self.guest.succeeded(code, &placed)
    }

    fn range(&self, group: u32) -> std::ops::Range<usize> {
        assert!(group < self.groups, "room was made for the group");
        let at = self.address as usize + group as usize * self.size as usize;
        at..at + self.size as usize
    }

    /// The bytes of the states of groups, one behind the other.
    pub(super) fn copy(&self, groups: &[u32]) -> Vec<u8> {
        let memory = self.guest.memory.data(&self.guest.instance.store);
        let mut bytes = Vec::with_capacity(groups.len() * self.size as usize);
        groups.iter().for_each(|&group| bytes.extend_from_slice(&memory[self.range(group)]));
        bytes
    }

    /// Puts back what [`States::copy`] gave.
    pub(super) fn put(&mut self, groups: &[u32], bytes: &[u8]) {
        for (&group, bytes) in groups.iter().zip(bytes.chunks_exact(self.size as usize)) {
            let range = self.range(group);
            self.guest.memory.data_mut(&mut self.guest.instance.store)[range].copy_from_slice(bytes);
        }
    }

    /// The bytes of all states.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let memory = self.guest.memory.data(&self.guest.instance.store);
        let at = self.address as usize;
        memory[at..at + self.groups as usize * self.size as usize].to_vec()
    }

    /// Takes over the bytes of all states of another instance.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let groups = bytes.len() / self.size as usize;
        self.reserve(groups)?;
        self.groups = groups as u32;
        let at = self.address as usize;
        self.guest.memory.data_mut(&mut self.guest.instance.store)[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}
