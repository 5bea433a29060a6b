//! Joins each row with the matching rows of a bounded table held in memory.
//!
//! ```text
//! start:  LookupBuild --read whole, filter, project--> rows, grouped by key id
//! batch:  key columns --KeyIndex::find--> (row, build row) pairs --residual--> take both sides
//! ```
//! The output keeps the input's order, row kinds and watermark steps.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_empty_array};
use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use wasmill_expr::{Evaluator, Predicate, Selection};
use wasmill_plan::{DataType, Error, Expr, JoinKind, LookupBuild, LookupJoin, Result, Schema, SourceNode};

use super::evaluation::Evaluation;
use super::key_index::KeyIndex;
use crate::batch::{Batch, WatermarkStep, take_kinds};
use crate::operator::{Operator, OperatorContext, Output};
use crate::source::SourceEvent;
use crate::state::hash_rows;

/// How long one poll of the table waits.
const POLL: Duration = Duration::from_millis(100);

/// See the module. It has no state: the table is read again at every start.
pub(crate) struct LookupJoinOperator {
    kind: JoinKind,
    /// Key columns of the input.
    keys: Vec<usize>,
    table: Table,
    residual: Option<Predicate>,
    evaluation: Evaluation,
    output: SchemaRef,
}

/// The build side.
struct Table {
    columns: Vec<ArrayRef>,
    index: KeyIndex,
    /// Rows of key id `k`: `rows[starts[k]..starts[k + 1]]`, in their order.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl LookupJoinOperator {
    /// Reads the table.
    ///
    /// # Errors
    /// `Error::External` and `Error::Data` where it cannot be read, `Error::Query` for an expression that cannot be prepared
    /// or keys of different types.
    pub(crate) fn new(plan: &LookupJoin, input: &Schema, output: &Schema, context: &OperatorContext) -> Result<Self> {
        let columns = read(&plan.build, context)?;
        for &(left, right) in &plan.keys {
            let (left, right) = (input.fields[left].data_type.to_arrow(), columns[right].data_type());
            if left != *right {
                return Err(Error::query(format!("the columns of a lookup join differ in type: {left} and {right}")));
            }
        }
        let residual = plan.residual.as_ref().map(|e| Predicate::new(e, &*context.functions)).transpose()?;
        Ok(Self {
            kind: plan.kind,
            keys: plan.keys.iter().map(|k| k.0).collect(),
            table: Table::new(columns, &plan.keys.iter().map(|k| k.1).collect::<Vec<_>>())?,
            residual,
            evaluation: Evaluation::new(context, &plan.residual),
            output: output.to_arrow(),
        })
    }

    /// The output for pairs of rows; `None` is a row of NULLs.
    fn join(&self, batch: &Batch, pairs: &[(u32, Option<u32>)]) -> Result<Batch> {
        let identity = pairs.len() == batch.len() && pairs.iter().enumerate().all(|(i, p)| p.0 as usize == i);
        let left = UInt32Array::from_iter_values(pairs.iter().map(|p| p.0));
        let right: UInt32Array = pairs.iter().map(|p| p.1).collect();
        let mut columns = Vec::with_capacity(self.output.fields().len());
        for column in batch.rows.columns() {
            columns.push(if identity { column.clone() } else { arrow::compute::take(column, &left, None)? });
        }
        for column in &self.table.columns {
            columns.push(arrow::compute::take(column, &right, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(pairs.len()));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        let kinds = batch.kinds.as_ref().map(|k| if identity { k.clone() } else { take_kinds(k, &left) });
        let (watermark, steps) = carry_steps(batch, pairs);
        Ok(Batch { rows, kinds, watermark, steps, hashes: None })
    }
}

/// The watermark steps of a batch behind the output rows of `pairs`, which are in the order of the batch's rows.
fn carry_steps(batch: &Batch, pairs: &[(u32, Option<u32>)]) -> (i64, Vec<WatermarkStep>) {
    let (mut watermark, mut steps) = (batch.watermark, Vec::<WatermarkStep>::new());
    for step in &batch.steps {
        let before = pairs.partition_point(|p| p.0 <= step.after_row) as u32;
        match (before, steps.last_mut()) {
            (0, _) => watermark = step.watermark,
            (_, Some(last)) if last.after_row + 1 == before => last.watermark = step.watermark,
            _ => steps.push(WatermarkStep { after_row: before - 1, watermark: step.watermark }),
        }
    }
    (watermark, steps)
}

impl Operator for LookupJoinOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|&c| batch.rows.column(c).clone()).collect();
        let found = self.table.find(&keys, batch.len())?;
        let left = self.kind == JoinKind::Left;
        let mut pairs: Vec<(u32, Option<u32>)> = Vec::with_capacity(batch.len());
        for (row, matches) in found.iter().enumerate() {
            if matches.is_empty() && left {
                pairs.push((row as u32, None));
            }
            pairs.extend(matches.iter().map(|&m| (row as u32, Some(m))));
        }
        let mut joined = self.join(&batch, &pairs)?;
        if let Some(residual) = &mut self.residual
            && !joined.is_empty()
        {
            let keep = match residual.select(&joined.rows, self.evaluation.of(&joined))? {
                Selection::All => vec![true; pairs.len()],
                Selection::None => vec![false; pairs.len()],
                Selection::Some(mask) => mask.values().iter().collect(),
            };
            let mut kept: Vec<(u32, Option<u32>)> = Vec::with_capacity(pairs.len());
            for (pairs, keep) in pairs.chunk_by(|a, b| a.0 == b.0).zip_keep(&keep) {
                let before = kept.len();
                kept.extend(pairs.iter().zip(keep).filter(|(p, k)| **k && p.1.is_some()).map(|(p, _)| *p));
                if kept.len() == before && left {
                    kept.push((pairs[0].0, None));
                }
            }
            if kept != pairs {
                joined = self.join(&batch, &kept)?;
            }
        }
        out.emit(joined);
        Ok(())
    }
}

/// Chunks of pairs with the part of a mask that belongs to each.
trait ZipKeep<'a>: Iterator<Item = &'a [(u32, Option<u32>)]> + Sized {
    fn zip_keep(self, keep: &'a [bool]) -> impl Iterator<Item = (&'a [(u32, Option<u32>)], &'a [bool])> {
        self.scan(0, move |at, pairs| {
            let start = *at;
            *at += pairs.len();
            Some((pairs, &keep[start..*at]))
        })
    }
}

impl<'a, I: Iterator<Item = &'a [(u32, Option<u32>)]>> ZipKeep<'a> for I {}

impl Table {
    fn new(columns: Vec<ArrayRef>, keys: &[usize]) -> Result<Self> {
        let rows = columns.first().map_or(0, |c| c.len());
        let keys: Vec<ArrayRef> = keys.iter().map(|&k| columns[k].clone()).collect();
        let mut index = KeyIndex::new(keys.iter().map(|k| k.data_type().clone()).collect())?;
        let ids = index.ids(&keys, &hash_rows(&keys, rows))?;
        // A NULL equals nothing.
        let matches = |row: &usize| keys.iter().all(|k| k.is_valid(*row));
        let mut starts = vec![0u32; index.capacity() + 1];
        (0..rows).filter(matches).for_each(|row| starts[ids[row] as usize + 1] += 1);
        for key in 0..index.capacity() {
            starts[key + 1] += starts[key];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0u32; starts[index.capacity()] as usize];
        for row in (0..rows).filter(matches) {
            let place = &mut next[ids[row] as usize];
            sorted[*place as usize] = row as u32;
            *place += 1;
        }
        Ok(Self { columns, index, starts, rows: sorted })
    }

    /// The matches of each row with those keys.
    fn find(&self, keys: &[ArrayRef], rows: usize) -> Result<Vec<&[u32]>> {
        let ids = self.index.find(keys, &hash_rows(keys, rows))?;
        let matches = |(row, id): (usize, &Option<u32>)| match id {
            Some(id) if keys.iter().all(|k| k.is_valid(row)) => {
                &self.rows[self.starts[*id as usize] as usize..self.starts[*id as usize + 1] as usize]
            }
            _ => &[],
        };
        Ok(ids.iter().enumerate().map(matches).collect())
    }
}

/// The columns of the build side.
fn read(build: &LookupBuild, context: &OperatorContext) -> Result<Vec<ArrayRef>> {
    match build {
        LookupBuild::Values { rows, types } => {
            let column = |(index, data_type): (usize, &DataType)| -> Result<ArrayRef> {
                let cells: Vec<ArrayRef> = rows.iter().map(|row| row[index].to_array(data_type, 1)).collect();
                if cells.is_empty() {
                    return Ok(new_empty_array(&data_type.to_arrow()));
                }
                Ok(arrow::compute::concat(&cells.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
            };
            types.iter().enumerate().map(column).collect()
        }
        LookupBuild::Table { source, source_types, filter, projection } => {
            read_table(source, source_types, filter.as_ref(), projection, context)
        }
    }
}

fn read_table(
    node: &SourceNode,
    types: &[DataType],
    filter: Option<&Expr>,
    projection: &[Expr],
    context: &OperatorContext,
) -> Result<Vec<ArrayRef>> {
    let functions = &*context.functions;
    let mut filter = filter.map(|e| Predicate::new(e, functions)).transpose()?;
    let mut columns = projection.iter().map(|e| Evaluator::new(e, functions)).collect::<Result<Vec<_>>>()?;
    let mut evaluation = Evaluation::new(context, projection);
    let fields = types.iter().enumerate().map(|(i, t)| Field::new(format!("c{i}"), t.to_arrow(), true));
    let schema = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); projection.len()];
    let mut take = |rows: RecordBatch| -> Result<()> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let mut batch =
            Batch::append(RecordBatch::try_new_with_options(schema.clone(), rows.columns().to_vec(), &options)?);
        if let Some(filter) = &mut filter {
            match filter.select(&batch.rows, evaluation.of(&batch))? {
                Selection::All => {}
                Selection::None => return Ok(()),
                Selection::Some(mask) => batch.rows = arrow::compute::filter_record_batch(&batch.rows, &mask)?,
            }
        }
        let context = evaluation.of(&batch);
        for (column, parts) in columns.iter_mut().zip(&mut parts) {
            parts.push(column.evaluate(&batch.rows, context)?);
        }
        Ok(())
    };
    let mut source = context.sources.source(node, 0, 1)?;
    loop {
        match source.poll(POLL)? {
            SourceEvent::Rows(rows) => take(rows)?,
            SourceEvent::Pending => {}
            SourceEvent::End => break,
            SourceEvent::DeadLetters(letters) => {
                let letter = letters.into_iter().next();
                let (place, reason) = letter.map_or((None, String::new()), |l| (Some(l.place), l.reason));
                return Err(Error::Data {
                    message: format!(
                        "table '{}' of a lookup join has a row that cannot be read, and 'dead-letter' is for streams: {reason}",
                        node.table.name
                    ),
                    place,
                });
            }
        }
    }
    // One empty batch gives every column its type.
    take(RecordBatch::new_empty(schema.clone()))?;
    parts.iter().map(|p| Ok(arrow::compute::concat(&p.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Harness;
    use wasmill_plan::{Operator as Node, TypeKind, Value};

    fn harness(kind: JoinKind, residual: Option<Expr>) -> Harness {
        let row = |id: Option<i64>, name: &str| vec![id.map_or(Value::Null, Value::Int), Value::Text(name.to_owned())];
        let build = LookupBuild::Values {
            rows: vec![row(Some(1), "one"), row(Some(2), "two"), row(None, "none"), row(Some(1), "uno")],
            types: vec![DataType::nullable(TypeKind::Int), DataType::string()],
        };
        let plan = LookupJoin { build, kind, keys: vec![(0, 0)], residual };
        Harness::new(Node::LookupJoin(plan), &["k INT, v INT"], "k INT, v INT, id INT, name STRING")
    }

    const ROWS: &str = "1 | 10
        3 | 11
        ^ 00:00:01
        -D 2 | 12
        NULL | 13
        watermark 00:00:02
        end";

    #[test]
    fn an_inner_join_gives_every_match_and_keeps_kinds_and_watermarks() {
        harness(JoinKind::Inner, None).check(
            ROWS,
            "+I 1 | 10 | 1 | one
             +I 1 | 10 | 1 | uno
             watermark 00:00:01
             -D 2 | 12 | 2 | two
             watermark 00:00:02
             watermark MAX",
        );
    }

    #[test]
    fn a_left_join_gives_nulls_where_nothing_matches() {
        harness(JoinKind::Left, None).check(
            ROWS,
            "+I 1 | 10 | 1 | one
             +I 1 | 10 | 1 | uno
             +I 3 | 11 | NULL | NULL
             watermark 00:00:01
             -D 2 | 12 | 2 | two
             +I NULL | 13 | NULL | NULL
             watermark 00:00:02
             watermark MAX",
        );
    }

    #[test]
    fn a_residual_condition_decides_about_pairs() {
        let boolean = DataType::nullable(TypeKind::Boolean);
        let name = Expr::column(3, DataType::string());
        let uno = Expr::literal(Value::Text("uno".to_owned()), DataType::string());
        let residual = Expr::call("=", vec![name, uno], boolean);
        harness(JoinKind::Left, Some(residual.clone())).check(
            "1 | 10
             ^ 00:00:01
             2 | 11
             end",
            "+I 1 | 10 | 1 | uno
             watermark 00:00:01
             +I 2 | 11 | NULL | NULL
             watermark MAX",
        );
        harness(JoinKind::Inner, Some(residual)).check("2 | 11\n1 | 10", "+I 1 | 10 | 1 | uno");
    }
}
