//! Functions without partials (DISTINCT, LISTAGG, users' functions) over the frames of a chunk of rows.
//!
//! ```text
//! rows --waves: of each key at most one row--> take back what left the frame, add what came, give     a call a wave
//! rows --where nothing can be taken back-----> each frame whole, in a group of its own                     a call for many
//! ```

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{concat, take};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use wasmill_plan::Result;

use super::arguments::Argument;
use super::functions::Accumulators;
use super::steps::Step;
use super::store::Store;

/// Rows that are added in one call where frames are computed anew.
const ANEW_ROWS: usize = 8192;

impl Accumulators {
    /// The result of each step, appended to `out` in their order. Steps of one key follow each other in time.
    ///
    /// # Errors
    /// `Error::Data` where a value cannot be aggregated.
    pub(super) fn run(
        &mut self,
        store: &Store,
        moves: &[Step],
        list: &[Argument],
        out: &mut Vec<ArrayRef>,
    ) -> Result<()> {
        if self.anew {
            return self.run_anew(store, moves, list, out);
        }
        let waves = waves(moves);
        let mut places = vec![0; moves.len()];
        let (mut parts, mut next): (Vec<ArrayRef>, u32) = (Vec::new(), 0);
        let (mut groups, mut records): (Vec<u32>, Vec<&[u64]>) = Default::default();
        for wave in &waves {
            // What leaves goes first, as in Flink: it shows in the order of distinct values.
            for add in [false, true] {
                groups.clear();
                records.clear();
                for step in wave.iter().map(|&i| &moves[i]) {
                    let range = if add { step.hi_from..step.hi } else { step.lo_from..step.lo };
                    groups.resize(groups.len() + (range.end - range.start) as usize, step.key);
                    records.extend(range.map(|position| store.record(step.key, position)));
                }
                if records.is_empty() {
                    continue;
                }
                let columns = self.columns(&store.slab, list, &records)?;
                if add {
                    self.aggregate.update(&groups, &columns)?;
                } else {
                    self.aggregate.retract(&groups, &columns)?;
                }
            }
            let keys: Vec<u32> = wave.iter().map(|&i| moves[i].key).collect();
            parts.push(self.aggregate.finish(&keys)?);
            for &i in wave {
                places[i] = next;
                next += 1;
            }
        }
        match parts.as_slice() {
            [] => {}
            [only] => out.push(only.clone()),
            several => {
                let all = concat(&several.iter().map(|p| &**p as &dyn Array).collect::<Vec<_>>())?;
                out.push(take(&all, &UInt32Array::from(places), None)?);
            }
        }
        Ok(())
    }

    /// Nothing is kept from step to step: groups are frames, and are emptied behind each call.
    fn run_anew(&mut self, store: &Store, moves: &[Step], list: &[Argument], out: &mut Vec<ArrayRef>) -> Result<()> {
        let mut rest = moves;
        while !rest.is_empty() {
            let (mut groups, mut records): (Vec<u32>, Vec<&[u64]>) = Default::default();
            let mut frames = 0;
            for step in rest {
                if frames > 0 && records.len() + (step.hi - step.lo) as usize > ANEW_ROWS {
                    break;
                }
                for position in step.lo..step.hi {
                    groups.push(frames);
                    records.push(store.record(step.key, position));
                }
                frames += 1;
            }
            let columns = self.columns(&store.slab, list, &records)?;
            let all: Vec<u32> = (0..frames).collect();
            self.aggregate.resize(all.len());
            self.aggregate.update(&groups, &columns)?;
            out.push(self.aggregate.finish(&all)?);
            self.aggregate.clear(&all);
            rest = &rest[all.len()..];
        }
        Ok(())
    }
}

/// The steps by how many of the same key stand before them.
fn waves(moves: &[Step]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<u32, usize, FixedState> =
        HashMap::with_capacity_and_hasher(moves.len(), FixedState::default());
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (i, step) in moves.iter().enumerate() {
        let wave = seen.entry(step.key).or_insert(0);
        if *wave == waves.len() {
            waves.push(Vec::new());
        }
        waves[*wave].push(i);
        *wave += 1;
    }
    waves
}
