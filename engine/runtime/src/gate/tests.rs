//! Tests of merging inputs: watermarks, idleness and barriers.

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use std::sync::Arc;

use super::*;

fn rose(to: i64) -> Change {
    Change { watermark: Some(to), idle: false }
}

fn batch(rows: i32, watermark: i64, steps: &[(u32, i64)]) -> Batch {
    let column: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows));
    let steps = steps.iter().map(|&(after_row, watermark)| WatermarkStep { after_row, watermark }).collect();
    Batch { watermark, steps, ..Batch::append(RecordBatch::try_from_iter([("v", column)]).unwrap()) }
}

fn steps(batch: &Batch) -> Vec<(u32, i64)> {
    batch.steps.iter().map(|s| (s.after_row, s.watermark)).collect()
}

#[test]
fn the_lowest_active_lane_counts() {
    let mut gate = Gate::new(2);
    assert_eq!(gate.on_watermark(0, 10), Change::default());
    assert_eq!(gate.on_watermark(1, 5), rose(5));
    assert_eq!(gate.holder(), Some(1));
    assert_eq!(gate.on_watermark(1, 5), Change::default());
    assert_eq!(gate.on_watermark(1, 12), rose(10));
    assert_eq!(gate.holder(), Some(0));
    assert_eq!(gate.on_watermark(0, 11), rose(11));
}

#[test]
fn an_idle_lane_does_not_hold_back_and_must_catch_up() {
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 10);
    assert_eq!(gate.on_idle(1), rose(10));
    assert_eq!(gate.on_watermark(0, 20), rose(20));
    // Lane 1 comes back behind: it is not waited for until it has caught up.
    assert_eq!(gate.on_watermark(1, 15), Change::default());
    assert_eq!(gate.on_watermark(0, 30), rose(30));
    assert_eq!(gate.on_watermark(1, 31), Change::default());
    assert_eq!(gate.on_watermark(0, 40), rose(31));
}

#[test]
fn all_idle_tells_the_highest_once() {
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 10);
    gate.on_watermark(1, 20);
    assert_eq!(gate.on_idle(0), rose(20));
    assert_eq!(gate.on_idle(1), Change { watermark: None, idle: true });
    assert_eq!(gate.on_idle(1), Change::default());
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 10);
    assert_eq!(gate.on_idle(0), Change::default());
    assert_eq!(gate.on_idle(1), Change { watermark: Some(10), idle: true });
}

#[test]
fn an_ended_lane_counts_no_more_and_all_ended_is_the_maximum() {
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 10);
    gate.on_watermark(1, 20);
    assert_eq!(gate.on_end(0), rose(20));
    // A live lane that is idle does not close windows because a bounded one has ended.
    assert_eq!(gate.on_idle(1), Change { watermark: None, idle: true });
    assert_eq!(gate.on_watermark(1, 25), rose(25));
    assert!(!gate.is_closed());
    assert_eq!(gate.on_end(1), rose(MAX_WATERMARK));
    assert!(gate.is_closed() && !gate.is_stopped());
}

#[test]
fn a_stopped_lane_never_says_the_maximum() {
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 10);
    gate.on_watermark(1, 20);
    assert_eq!(gate.on_stopped(0), Change::default());
    assert_eq!(gate.on_end(1), Change::default());
    assert_eq!(gate.watermark(), 10);
    assert!(gate.is_closed() && gate.is_stopped());
}

#[test]
fn steps_rise_to_the_lowest_of_all_lanes() {
    let mut gate = Gate::new(2);
    gate.on_watermark(1, 7);
    let mut rows = batch(4, 3, &[(0, 5), (1, 6), (2, 9), (3, 11)]);
    gate.on_batch(0, &mut rows);
    assert_eq!((rows.watermark, steps(&rows)), (3, vec![(0, 5), (1, 6), (2, 7)]));
    // The watermark that follows the batch is what the operator is told.
    assert_eq!(gate.on_watermark(0, 11), rose(7));
    let mut rows = batch(2, 7, &[(0, 8), (1, 12)]);
    gate.on_batch(1, &mut rows);
    assert_eq!((rows.watermark, steps(&rows)), (7, vec![(0, 8), (1, 11)]));
}

#[test]
fn one_lane_passes_steps_and_sets_the_batch_watermark() {
    let mut gate = Gate::new(1);
    assert_eq!(gate.on_watermark(0, 5), rose(5));
    let mut rows = batch(3, NO_WATERMARK, &[(0, 4), (1, 6)]);
    gate.on_batch(0, &mut rows);
    assert_eq!((rows.watermark, steps(&rows)), (5, vec![(1, 6)]));
    assert_eq!(gate.on_watermark(0, 6), rose(6));
}

#[test]
fn rows_of_a_lane_that_has_not_caught_up_raise_nothing() {
    let mut gate = Gate::new(2);
    gate.on_watermark(0, 50);
    gate.on_idle(1);
    let mut rows = batch(2, 10, &[(0, 20), (1, 30)]);
    gate.on_batch(1, &mut rows);
    assert_eq!((rows.watermark, steps(&rows)), (50, vec![]));
    let mut rows = batch(2, 30, &[(0, 60), (1, 70)]);
    gate.on_batch(1, &mut rows);
    // Lane 0 stands at 50.
    assert_eq!((rows.watermark, steps(&rows)), (50, vec![]));
    assert_eq!(gate.on_watermark(0, 65), rose(65));
}

#[test]
fn a_gate_that_goes_on_from_a_checkpoint_does_not_wait_for_its_lanes() {
    let mut gate = Gate::new(2);
    gate.go_on_from(20);
    assert_eq!(gate.untold(), rose(20));
    assert_eq!(gate.untold(), Change::default());
    // Rows of lane 0 come before lane 1 has told its watermark of before.
    let mut rows = batch(2, 15, &[(0, 25)]);
    gate.on_batch(0, &mut rows);
    assert_eq!((rows.watermark, steps(&rows)), (20, vec![]));
    assert_eq!(gate.on_watermark(0, 25), Change::default());
    assert_eq!(gate.on_watermark(1, 20), Change::default());
    assert_eq!(gate.on_watermark(1, 30), rose(25));
}
