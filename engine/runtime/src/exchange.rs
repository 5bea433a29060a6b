//! Sends rows to the instances of the next stage.
//!
//! ```text
//! batch --hash of the key columns--> key group --> instance --> one bounded channel per pair of instances
//! ```
//! Watermarks, barriers and the end go to every instance. A row keeps its place among the rows of its key.

use crossbeam_channel::Sender;
use wasmill_plan::{Error, Result};

use crate::batch::{Batch, Message, select};
use crate::state::{hash_rows, instance_of, key_group};

/// How many messages wait in a channel before the sender does.
pub const CHANNEL_MESSAGES_MAX: usize = 16;

/// One instance's sending end of an edge between stages.
pub struct Exchange {
    /// Key columns; `None`: to the only receiver, as they are.
    keys: Option<Vec<usize>>,
    receivers: Vec<Sender<Message>>,
}

impl Exchange {
    /// Sends by the hash of `keys`; where it is `None` there must be one receiver.
    pub fn new(keys: Option<Vec<usize>>, receivers: Vec<Sender<Message>>) -> Self {
        assert!(keys.is_some() || receivers.len() == 1, "rows without a key have one receiver");
        Self { keys, receivers }
    }

    /// Sends a message; waits while the channel is full.
    ///
    /// # Errors
    /// `Error::Stopped` where a receiver has gone: it has failed or was cancelled.
    pub fn send(&self, message: Message) -> Result<()> {
        match message {
            Message::Batch(batch) => {
                for (receiver, part) in self.receivers.iter().zip(self.parts(batch)) {
                    if !part.is_empty() {
                        receiver.send(Message::Batch(part)).map_err(|_| Error::Stopped)?;
                    }
                }
                Ok(())
            }
            other => self.receivers.iter().try_for_each(|r| r.send(other.clone()).map_err(|_| Error::Stopped)),
        }
    }

    fn parts(&self, batch: Batch) -> Vec<Batch> {
        let Some(keys) = &self.keys else { return vec![batch] };
        partition(batch, keys, self.receivers.len())
    }
}

/// The rows of each instance, in their order, with their hashes and the steps that lie behind them.
pub fn partition(mut batch: Batch, keys: &[usize], parallelism: usize) -> Vec<Batch> {
    let columns: Vec<_> = keys.iter().map(|&k| batch.rows.column(k).clone()).collect();
    let hashes = hash_rows(&columns, batch.len());
    if parallelism == 1 {
        batch.hashes = Some(hashes);
        return vec![batch];
    }
    batch.hashes = None;
    let instances: Vec<u16> = hashes.iter().map(|&h| instance_of(key_group(h), parallelism) as u16).collect();
    (0..parallelism as u16).map(|i| select(&batch, Some(&hashes), |row| instances[row] == i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{RowKind, WatermarkStep};
    use crate::testing::rows;
    use arrow::array::UInt8Array;

    #[test]
    fn every_row_goes_to_one_instance_with_its_kind_hash_and_steps() {
        let schema = rows::schema("k INT, v INT");
        let lines: Vec<String> = (0..100).map(|i| format!("{} | {i}", i % 17)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut batch = Batch::append(rows::batch(&schema, &lines));
        batch.kinds = Some((0..100).map(|i| (i % 4) as u8).collect::<UInt8Array>());
        batch.watermark = 1;
        batch.steps =
            vec![WatermarkStep { after_row: 49, watermark: 5 }, WatermarkStep { after_row: 99, watermark: 9 }];
        let marks = batch.row_watermarks();
        let parts = partition(batch.clone(), &[0], 3);
        assert!(parts.iter().all(|p| !p.is_empty()), "17 keys reach 3 instances");
        let mut seen = Vec::new();
        for (instance, part) in parts.iter().enumerate() {
            let part_marks = part.row_watermarks();
            let hashes = part.hashes.as_ref().unwrap();
            for (row, line) in rows::lines(&part.rows).into_iter().enumerate() {
                let v: usize = line.rsplit(' ').next().unwrap().parse().unwrap();
                assert_eq!(part.kind(row), RowKind::from_u8((v % 4) as u8));
                assert_eq!(instance_of(key_group(hashes[row]), 3), instance);
                assert_eq!(part_marks[row], marks[v], "each row is judged by the watermark that it was judged by");
                seen.push(v);
            }
            assert_eq!(part.last_watermark(), 9);
            assert!(
                rows::lines(&part.rows).is_sorted_by_key(|l| l.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
            );
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn no_key_is_one_instance() {
        let batch = Batch::append(rows::batch(&rows::schema("v INT"), &["1", "2"]));
        let parts = partition(batch, &[], 3);
        assert_eq!(parts.iter().map(Batch::len).collect::<Vec<_>>(), [2, 0, 0]);
    }

    #[test]
    fn a_receiver_that_has_gone_stops_the_sender() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        drop(receiver);
        assert!(matches!(Exchange::new(None, vec![sender]).send(Message::Watermark(1)), Err(Error::Stopped)));
    }
}
