//! BITMAP aggregates: the set of integers that came, and the AND, OR and XOR of bitmaps; or how many members the result has.
//! An INT is a member by its bits, so that -1 is 4294967295, and bitmaps are 32-bit Roaring bitmaps, as in Flink.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Int32Array, Int64Array};
use arrow::datatypes::{DataType as A, Int32Type, Int64Type};
use roaring::RoaringBitmap;
use wasmill_plan::{Error, Result};

use super::multiset::add_to;
use super::row_values::{list_type, lists, saved_lists};
use super::{Aggregate, corrupt, primitive};

/// How values make one set.
#[derive(Clone, Copy, PartialEq)]
enum Combine {
    /// The values are integers.
    Build,
    And,
    Or,
    Xor,
}

/// State: `rows` Int64 (values that were not NULL), then `bitmap` Binary, or, where rows may be taken back, `members`, a list
/// of Int32, and `counts`, a list of Int64: in how many values each member is.
pub(super) struct Bitmaps {
    combine: Combine,
    cardinality: bool,
    counted: bool,
    groups: Vec<Group>,
}

#[derive(Clone, Default)]
struct Group {
    rows: i64,
    /// The result so far; not used where members are counted.
    set: RoaringBitmap,
    counts: BTreeMap<u32, i64>,
}

impl Bitmaps {
    /// By the function's name; `None` where it is none of these.
    pub(super) fn new(function: &str, needs_retract: bool) -> Option<Self> {
        let name = function.strip_prefix("BITMAP_")?.strip_suffix("_AGG")?;
        let (name, cardinality) = match name.strip_suffix("_CARDINALITY") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let combine = match name {
            "BUILD" => Combine::Build,
            "AND" => Combine::And,
            "OR" => Combine::Or,
            "XOR" => Combine::Xor,
            _ => return None,
        };
        Some(Self { combine, cardinality, counted: needs_retract, groups: Vec::new() })
    }

    fn add(&mut self, groups: &[u32], args: &[ArrayRef], sign: i64) -> Result<()> {
        if self.combine == Combine::Build {
            let values = args[0].as_primitive::<Int32Type>();
            for (&g, value) in groups.iter().zip(values).filter_map(|(g, v)| v.map(|v| (g, v as u32))) {
                let group = &mut self.groups[g as usize];
                group.rows += sign;
                if self.counted {
                    group.count(value, sign);
                } else {
                    group.set.insert(value);
                }
            }
            return Ok(());
        }
        let values = args[0].as_binary::<i32>();
        for (row, &g) in groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row)) {
            let value = read(values.value(row))?;
            let group = &mut self.groups[g as usize];
            if self.counted {
                value.iter().for_each(|member| group.count(member, sign));
            } else {
                group.combine(self.combine, &value);
            }
            group.rows += sign;
        }
        Ok(())
    }

    /// `None` where no value came.
    fn result(&self, group: u32) -> Option<RoaringBitmap> {
        let group = &self.groups[group as usize];
        if group.rows <= 0 {
            return None;
        }
        if !self.counted {
            return Some(group.set.clone());
        }
        let is_member = |count: i64| match self.combine {
            Combine::Build | Combine::Or => count > 0,
            Combine::And => count >= group.rows,
            Combine::Xor => count % 2 != 0,
        };
        Some(group.counts.iter().filter(|(_, count)| is_member(**count)).map(|(member, _)| *member).collect())
    }
}

impl Group {
    fn count(&mut self, member: u32, by: i64) {
        add_to(&mut self.counts, &member, || member, by);
    }

    /// Before `rows` counts the value.
    fn combine(&mut self, how: Combine, value: &RoaringBitmap) {
        match how {
            Combine::And if self.rows == 0 => self.set.clone_from(value),
            Combine::And => self.set &= value,
            Combine::Build | Combine::Or => self.set |= value,
            Combine::Xor => self.set ^= value,
        }
    }
}

fn read(bytes: &[u8]) -> Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).map_err(|e| Error::data(format!("not a serialised bitmap: {e}")))
}

/// Serialised bitmaps; `None` is NULL.
fn write(bitmaps: impl Iterator<Item = Option<RoaringBitmap>>) -> Result<ArrayRef> {
    let mut column = BinaryBuilder::new();
    let mut bytes = Vec::new();
    for bitmap in bitmaps {
        let Some(bitmap) = bitmap else {
            column.append_null();
            continue;
        };
        bytes.clear();
        bitmap.serialize_into(&mut bytes).map_err(|e| Error::data(format!("a bitmap cannot be serialised: {e}")))?;
        column.append_value(&bytes);
    }
    Ok(Arc::new(column.finish()))
}

impl Aggregate for Bitmaps {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), Group::default());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, 1)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, -1)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let from_group = std::mem::take(&mut self.groups[from as usize]);
            let target = &mut self.groups[into as usize];
            if from_group.rows != 0 {
                from_group.counts.iter().for_each(|(&member, &by)| target.count(member, by));
                target.combine(self.combine, &from_group.set);
                target.rows += from_group.rows;
            }
            self.groups[from as usize] = from_group;
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let results = groups.iter().map(|&g| self.result(g));
        if self.cardinality {
            return Ok(Arc::new(results.map(|set| set.map(|s| s.len() as i64)).collect::<Int64Array>()));
        }
        write(results)
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize] = Group::default());
    }
    fn state_types(&self) -> Vec<A> {
        if self.counted {
            vec![A::Int64, list_type(&A::Int32), list_type(&A::Int64)]
        } else {
            vec![A::Int64, A::Binary]
        }
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let of = |g: &u32| &self.groups[*g as usize];
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(groups.iter().map(|g| of(g).rows)));
        if !self.counted {
            return Ok(vec![rows, write(groups.iter().map(|g| Some(of(g).set.clone())))?]);
        }
        let members = Int32Array::from_iter_values(groups.iter().flat_map(|g| of(g).counts.keys().map(|&m| m as i32)));
        let counts = Int64Array::from_iter_values(groups.iter().flat_map(|g| of(g).counts.values().copied()));
        let lengths = || groups.iter().map(|g| of(g).counts.len());
        Ok(vec![rows, lists(Arc::new(members), lengths()), lists(Arc::new(counts), lengths())])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let what = "a bitmap aggregate";
        let rows = primitive::<Int64Type>(columns, 0, what)?;
        for (row, &g) in groups.iter().enumerate() {
            let group = &mut self.groups[g as usize];
            group.rows = rows.value(row);
            if !self.counted {
                let sets = columns.get(1).and_then(|c| c.as_binary_opt::<i32>()).ok_or_else(|| corrupt(what))?;
                group.set = read(sets.value(row))?;
                continue;
            }
            let (members, counts) =
                (saved_lists(columns, 1, what)?.value(row), saved_lists(columns, 2, what)?.value(row));
            let members = members.as_primitive_opt::<Int32Type>().ok_or_else(|| corrupt(what))?;
            let counts = counts.as_primitive_opt::<Int64Type>().ok_or_else(|| corrupt(what))?;
            group.counts = members.values().iter().map(|&m| m as u32).zip(counts.values().iter().copied()).collect();
        }
        Ok(())
    }
}
