//! The source around a generator: which rows an instance makes, how fast, and from where it continues.
//!
//! ```text
//! 2 instances before: 0 2 4 6 | 8 …       1 3 | 5 7 …        ("|" is where each had come to)
//! 3 instances now:    from 8 on every third row each; the rest, 5 7, is a piece for one of them
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result, SourceNode};
use wasmill_runtime::source::{MAX_BATCH_ROWS, Source, SourceEvent};

use crate::column::ColumnBuilder;
use crate::projection::{MetadataValue, Projection};

/// Makes rows by their number.
pub(crate) trait Generator: Send {
    /// Appends row `row` to the columns that the source was made for.
    fn push(&mut self, row: u64, columns: &mut [ColumnBuilder]);
}

/// Rows `next`, `next + step`, … before `end`: what an instance had left when the number of instances changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    next: u64,
    end: u64,
    step: u64,
}

impl Piece {
    fn len(&self) -> u64 {
        self.end.saturating_sub(self.next).div_ceil(self.step)
    }
}

/// Rows `index`, `index + parallelism`, … of a generator.
pub(crate) struct GeneratorSource<G> {
    generator: G,
    projection: Projection,
    columns: Vec<ColumnBuilder>,
    index: u64,
    parallelism: u64,
    /// Rows to be made before `next`.
    pieces: VecDeque<Piece>,
    /// The next row, of all instances' rows.
    next: u64,
    rows_total: Option<u64>,
    rows_per_second: Option<f64>,
    /// When, and from which row on, this source counts its pace.
    started: Option<(Instant, u64)>,
}

impl<G: Generator> GeneratorSource<G> {
    /// Instance `index` of `parallelism`; `rows_total` and `rows_per_second` are those of all instances together.
    pub(crate) fn new(
        generator: G,
        node: &SourceNode,
        (index, parallelism): (usize, usize),
        rows_total: Option<u64>,
        rows_per_second: Option<f64>,
    ) -> Self {
        let projection = Projection::of(node);
        let columns = projection.fields.iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect();
        let (index, parallelism) = (index as u64, parallelism as u64);
        Self {
            generator,
            projection,
            columns,
            index,
            parallelism,
            pieces: VecDeque::new(),
            next: index,
            rows_total,
            rows_per_second,
            started: None,
        }
    }

    /// Makes at most so many rows of the pieces.
    fn push_pieces(&mut self, rows_max: u64) -> u64 {
        let mut rows = 0;
        while let Some(piece) = self.pieces.front_mut().filter(|_| rows < rows_max) {
            if piece.next >= piece.end {
                self.pieces.pop_front();
                continue;
            }
            self.generator.push(piece.next, &mut self.columns);
            piece.next += piece.step;
            rows += 1;
        }
        rows
    }

    fn rows(&mut self, rows: u64) -> Result<SourceEvent> {
        let columns = self.columns.iter_mut().zip(&self.projection.fields).map(|(c, f)| c.finish(&f.data_type.kind));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        Ok(SourceEvent::Rows(self.projection.batch(columns, rows as usize, |_| MetadataValue::Null)?))
    }

    /// How many of the own rows are due by now, or how long it takes until the next one is.
    fn due(&mut self) -> std::result::Result<u64, Duration> {
        let Some(rate) = self.rows_per_second else { return Ok(MAX_BATCH_ROWS as u64) };
        let (started, first) = *self.started.get_or_insert_with(|| (Instant::now(), self.next));
        let elapsed = started.elapsed().as_secs_f64();
        let due_before = first + (elapsed * rate) as u64 + 1;
        if due_before > self.next {
            return Ok((due_before - self.next).div_ceil(self.parallelism).min(MAX_BATCH_ROWS as u64));
        }
        Err(Duration::from_secs_f64(((self.next - first) as f64 / rate - elapsed).max(1e-6)))
    }
}

impl<G: Generator> Source for GeneratorSource<G> {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        match self.push_pieces(MAX_BATCH_ROWS as u64) {
            0 => {}
            rows => return self.rows(rows),
        }
        let left = self.rows_total.map_or(u64::MAX, |total| total.saturating_sub(self.next).div_ceil(self.parallelism));
        if left == 0 {
            return Ok(SourceEvent::End);
        }
        let due = match self.due() {
            Ok(due) => due,
            Err(until) => {
                std::thread::sleep(until.min(wait));
                match self.due() {
                    Ok(due) if until <= wait => due,
                    _ => return Ok(SourceEvent::Pending),
                }
            }
        };
        let rows = due.min(left);
        for _ in 0..rows {
            self.generator.push(self.next, &mut self.columns);
            self.next += self.parallelism;
        }
        self.rows(rows)
    }

    fn position(&self) -> Json {
        let pieces: Vec<[u64; 3]> = self.pieces.iter().map(|p| [p.next, p.end, p.step]).collect();
        json!({"next": self.next, "parallelism": self.parallelism, "pieces": pieces})
    }

    fn seek(&mut self, position: &Json) -> Result<()> {
        let saved = Saved::of(position)?;
        if saved.parallelism != self.parallelism || saved.next % self.parallelism != self.index {
            return Err(Error::Corrupt { message: format!("not the position of this instance: {position}") });
        }
        (self.next, self.pieces) = (saved.next, saved.pieces.into());
        Ok(())
    }

    /// All rows from the farthest instance on are shared anew, what the others had left before it is dealt out in pieces.
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        let saved = positions.iter().map(Saved::of).collect::<Result<Vec<_>>>()?;
        let farthest = saved.iter().map(|s| s.next).max().unwrap_or_default();
        let farthest = self.rows_total.map_or(farthest, |total| farthest.min(total));
        let mut pieces: Vec<Piece> = saved.iter().flat_map(|s| s.pieces.clone()).collect();
        pieces.extend(saved.iter().map(|s| Piece { next: s.next, end: farthest, step: s.parallelism }));
        pieces.retain(|piece| piece.len() > 0);
        pieces.sort_by_key(|piece| piece.next);
        let own = |(number, _): &(usize, Piece)| *number as u64 % self.parallelism == self.index;
        self.pieces = pieces.into_iter().enumerate().filter(own).map(|(_, piece)| piece).collect();
        // The first own row that is not before the farthest.
        self.next = self.index + farthest.saturating_sub(self.index).div_ceil(self.parallelism) * self.parallelism;
        Ok(())
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.rows_total.map(|total| (self.next.min(total) / self.parallelism, total / self.parallelism))
    }
}

/// A position, read.
struct Saved {
    next: u64,
    parallelism: u64,
    pieces: Vec<Piece>,
}

impl Saved {
    fn of(position: &Json) -> Result<Self> {
        let corrupt = || Error::Corrupt { message: format!("not a position of a generated table: {position}") };
        let step = |json: &Json| json.as_u64().filter(|step| *step > 0);
        let piece =
            |json: &Json| Some(Piece { next: json[0].as_u64()?, end: json[1].as_u64()?, step: step(&json[2])? });
        Ok(Self {
            next: position["next"].as_u64().ok_or_else(corrupt)?,
            parallelism: step(&position["parallelism"]).ok_or_else(corrupt)?,
            pieces: position["pieces"]
                .as_array()
                .ok_or_else(corrupt)?
                .iter()
                .map(|json| piece(json).ok_or_else(corrupt))
                .collect::<Result<_>>()?,
        })
    }
}
