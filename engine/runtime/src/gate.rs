//! Merges the watermarks of an operator's inputs, as Flink's `StatusWatermarkValve` does.
//!
//! ```text
//! lane 0 (active, 12:05) ─┐
//! lane 1 (active, 12:03) ─┼─> 12:03: the lowest of the lanes that count
//! lane 2 (idle)          ─┘
//! ```
//! A lane counts while it is active. An idle one does not hold the others back; when it comes back behind the merged watermark
//! it counts again once it has caught up. A lane that has ended has said MAX; it counts no more, and once all have ended the
//! merged watermark is MAX. A lane that was stopped holds its watermark for ever. The merged watermark never falls.

use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, WatermarkStep};

/// See the module.
#[derive(Clone, Debug)]
pub struct Gate {
    lanes: Vec<Lane>,
    /// Merged, row by row.
    watermark: i64,
    /// The last one that [`Change::watermark`] told.
    told: i64,
    idle: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    watermark: i64,
    status: Status,
    /// Caught up since it was idle.
    aligned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Active,
    Idle,
    Ended,
    Stopped,
}

/// What a message of one lane means for the operator behind the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The merged watermark rose to this.
    pub watermark: Option<i64>,
    /// All lanes are idle now.
    pub idle: bool,
}

impl Gate {
    /// A gate of that many lanes, all active.
    pub fn new(lanes: usize) -> Self {
        let lane = Lane { watermark: NO_WATERMARK, status: Status::Active, aligned: true };
        Self { lanes: vec![lane; lanes], watermark: NO_WATERMARK, told: NO_WATERMARK, idle: false }
    }

    /// Takes the merged watermark of a checkpoint, before the first message.
    pub fn go_on_from(&mut self, watermark: i64) {
        self.watermark = watermark;
    }

    /// What has not been told of the merged watermark.
    pub fn untold(&mut self) -> Change {
        let watermark = (self.watermark > self.told).then_some(self.watermark);
        self.told = self.watermark;
        Change { watermark, idle: false }
    }

    /// The merged watermark.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Whether no lane will give anything more.
    pub fn is_closed(&self) -> bool {
        self.lanes.iter().all(|l| matches!(l.status, Status::Ended | Status::Stopped))
    }

    /// Whether a lane was stopped before its end.
    pub fn is_stopped(&self) -> bool {
        self.lanes.iter().any(|l| l.status == Status::Stopped)
    }

    /// The lane that holds the merged watermark back, where several could.
    pub fn holder(&self) -> Option<usize> {
        let active = || self.lanes.iter().enumerate().filter(|(_, l)| l.status == Status::Active);
        active().min_by_key(|(_, l)| l.watermark).filter(|_| active().count() > 1).map(|(index, _)| index)
    }

    /// Rows of a lane: rewrites the batch's watermark and steps to the merged ones.
    pub fn on_batch(&mut self, lane: usize, batch: &mut Batch) {
        self.activate(lane);
        let rises = batch.steps.first().is_none_or(|s| s.watermark > self.watermark.max(batch.watermark));
        if self.lanes.len() == 1 && self.lanes[0].aligned && rises {
            // One lane merges with nobody: its steps stay as they are.
            batch.watermark = batch.watermark.max(self.watermark);
            self.watermark = batch.last_watermark();
            self.lanes[0].watermark = self.watermark;
            return;
        }
        let others = self.lowest(Some(lane)).unwrap_or(MAX_WATERMARK);
        let mut merged = self.watermark.max(self.offer(lane, batch.watermark, others));
        batch.watermark = merged;
        let mut steps: Vec<WatermarkStep> = Vec::new();
        for step in std::mem::take(&mut batch.steps) {
            let offered = self.offer(lane, step.watermark, others);
            if offered > merged {
                merged = offered;
                self.watermark = merged;
                steps.push(WatermarkStep { after_row: step.after_row, watermark: merged });
            }
        }
        self.watermark = merged;
        batch.steps = steps;
    }

    /// A watermark of a lane.
    pub fn on_watermark(&mut self, lane: usize, watermark: i64) -> Change {
        self.activate(lane);
        self.offer(lane, watermark, MAX_WATERMARK);
        self.merge()
    }

    /// A lane has become idle.
    pub fn on_idle(&mut self, lane: usize) -> Change {
        if self.lanes[lane].status == Status::Active {
            self.lanes[lane].status = Status::Idle;
        }
        self.merge()
    }

    /// A lane has ended.
    pub fn on_end(&mut self, lane: usize) -> Change {
        self.lanes[lane].status = Status::Ended;
        self.merge()
    }

    /// A lane was stopped.
    pub fn on_stopped(&mut self, lane: usize) -> Change {
        self.lanes[lane].status = Status::Stopped;
        self.merge()
    }

    fn activate(&mut self, lane: usize) {
        self.idle = false;
        let merged = self.watermark;
        let lane = &mut self.lanes[lane];
        debug_assert!(matches!(lane.status, Status::Active | Status::Idle), "a closed lane gives nothing");
        if lane.status == Status::Idle {
            lane.status = Status::Active;
            lane.aligned = lane.watermark >= merged;
        }
    }

    /// Raises a lane's watermark, and gives what the merged one may be with the others at `others`.
    fn offer(&mut self, lane: usize, watermark: i64, others: i64) -> i64 {
        let merged = self.watermark;
        let lane = &mut self.lanes[lane];
        lane.watermark = lane.watermark.max(watermark);
        lane.aligned |= lane.watermark >= merged;
        if lane.aligned { lane.watermark.min(others) } else { NO_WATERMARK }
    }

    /// The lowest watermark of the lanes that count, without one of them.
    fn lowest(&self, without: Option<usize>) -> Option<i64> {
        let counts = |l: &Lane| matches!(l.status, Status::Active | Status::Stopped) && l.aligned;
        let lanes = self.lanes.iter().enumerate().filter(|(index, l)| counts(l) && Some(*index) != without);
        lanes.map(|(_, l)| l.watermark).min()
    }

    fn merge(&mut self) -> Change {
        let is = |status| move |l: &&Lane| l.status == status;
        let open = self.lanes.iter().filter(|l| l.status != Status::Ended);
        let mut change = Change::default();
        let merged = if open.clone().next().is_none() {
            MAX_WATERMARK
        } else if open.clone().all(|l| l.status == Status::Idle) {
            // Nobody counts: what the idle lanes had already said may be said now.
            change.idle = !self.idle;
            self.idle = true;
            self.lanes.iter().filter(is(Status::Idle)).map(|l| l.watermark).max().unwrap_or(NO_WATERMARK)
        } else {
            self.lowest(None).unwrap_or(NO_WATERMARK)
        };
        self.watermark = self.watermark.max(merged);
        Change { idle: change.idle, ..self.untold() }
    }
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
