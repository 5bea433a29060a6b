//! What a checkpoint holds, and where checkpoints are kept.
//!
//! ```text
//! barrier n at every task --> NodeSnapshot per node and instance --> Checkpoint n --save--> CheckpointStore --> sinks commit n
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use serde_json::Value as Json;
use wasmill_expr::{ModuleVersion, NameKind, UserFunctions};
use wasmill_plan::{Error, Result};

use crate::batch::NO_WATERMARK;
use crate::operator::Operator;
use crate::state::{KEY_GROUP_COLUMN, Scope, StateTable, instance_of};

/// A consistent cut through a job: everything before barrier `epoch`, nothing behind it.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Its number; rises through the life of a job, over restores too.
    pub epoch: u64,
    /// One per node and instance.
    pub nodes: Vec<NodeSnapshot>,
    /// The modules of the users' functions and models that the job uses, as they are in force behind the barrier.
    pub modules: Vec<ModuleVersion>,
}

/// One instance of a node at a barrier.
#[derive(Clone, Debug)]
pub struct NodeSnapshot {
    /// The node's uid in the plan.
    pub uid: String,
    /// Which instance.
    pub instance: usize,
    /// How many instances the node had.
    pub parallelism: usize,
    /// The merged watermark of its inputs.
    pub input_watermark: i64,
    /// The watermark that it had given downstream.
    pub watermark: i64,
    /// A source's position.
    pub position: Option<Json>,
    /// An operator's state.
    pub tables: Vec<TableSnapshot>,
}

/// A state table at a barrier.
#[derive(Clone, Debug)]
pub struct TableSnapshot {
    /// [`StateTable::name`].
    pub name: String,
    /// [`StateTable::version`].
    pub version: u32,
    /// [`StateTable::save`].
    pub rows: RecordBatch,
}

/// Where checkpoints are kept.
pub trait CheckpointStore: Send + Sync {
    /// Makes a checkpoint durable: once this returns, the job may promise never to go back behind it.
    ///
    /// # Errors
    /// `Error::External` where it cannot be kept.
    fn save(&self, checkpoint: Checkpoint) -> Result<()>;
    /// The newest one, `None` before the first.
    ///
    /// # Errors
    /// `Error::External`, `Error::Corrupt`.
    fn latest(&self) -> Result<Option<Arc<Checkpoint>>>;
}

/// Keeps checkpoints for the life of the process.
#[derive(Default)]
pub struct MemoryStore(Mutex<BTreeMap<u64, Arc<Checkpoint>>>);

impl CheckpointStore for MemoryStore {
    fn save(&self, checkpoint: Checkpoint) -> Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(checkpoint.epoch, Arc::new(checkpoint));
        while kept.len() > 2 {
            kept.pop_first();
        }
        Ok(())
    }
    fn latest(&self) -> Result<Option<Arc<Checkpoint>>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).last_key_value().map(|(_, c)| c.clone()))
    }
}

/// Saves an operator's tables.
///
/// # Errors
/// What [`StateTable::save`] fails with.
pub fn save(operator: &mut dyn Operator) -> Result<Vec<TableSnapshot>> {
    let table = |table: &mut dyn StateTable| {
        Ok(TableSnapshot { name: table.name().to_owned(), version: table.version(), rows: table.save()? })
    };
    operator.state().into_iter().map(table).collect()
}

impl Checkpoint {
    /// Whether the functions of now are those that the checkpoint was taken with.
    ///
    /// # Errors
    /// `Error::Query` naming one that is not.
    pub fn check_modules(&self, functions: &dyn UserFunctions) -> Result<()> {
        for then in &self.modules {
            let Some(now) = functions.version(&then.name) else { continue };
            if now == *then {
                continue;
            }
            let is_module = now.sha256 != then.sha256;
            let what = if is_module { "module" } else { "artifact" };
            let text = |digest: Option<[u8; 32]>| digest.map_or_else(|| "none".to_owned(), |d| hex(&d));
            let digests = |v: &ModuleVersion| text(if is_module { Some(v.sha256) } else { v.artifact_sha256 });
            let (old, new, alter) = (
                digests(then),
                digests(&now),
                match then.name.kind {
                    NameKind::Function => "ALTER FUNCTION",
                    NameKind::Model => "ALTER MODEL",
                },
            );
            return Err(Error::Query {
                message: format!(
                    "checkpoint {} was taken with another {what} of {}: SHA-256 {old}, it is now {new}",
                    self.epoch, then.name
                ),
                hint: Some(format!("create it from the file that it had then; {alter} changes it while the job runs")),
            });
        }
        Ok(())
    }

    /// The snapshots of a node, by instance.
    ///
    /// # Errors
    /// `Error::Corrupt` where it has none: the checkpoint is of another query.
    pub fn node(&self, uid: &str) -> Result<Vec<&NodeSnapshot>> {
        let mut nodes: Vec<&NodeSnapshot> = self.nodes.iter().filter(|n| n.uid == uid).collect();
        if nodes.is_empty() {
            let message = format!("checkpoint {} has no operator '{uid}': it was taken of another query", self.epoch);
            return Err(Error::Corrupt { message });
        }
        nodes.sort_by_key(|n| n.instance);
        Ok(nodes)
    }

    /// The input and output watermarks that instance `instance` of `parallelism` goes on from: its own, at another
    /// parallelism the lowest.
    pub fn watermarks(nodes: &[&NodeSnapshot], instance: usize, parallelism: usize) -> (i64, i64) {
        if nodes.len() == parallelism {
            return (nodes[instance].input_watermark, nodes[instance].watermark);
        }
        let lowest = |of: fn(&NodeSnapshot) -> i64| nodes.iter().map(|n| of(n)).min().unwrap_or(NO_WATERMARK);
        (lowest(|n| n.input_watermark), lowest(|n| n.watermark))
    }

    /// Fills an operator's tables with what belongs to instance `instance` of `parallelism`.
    ///
    /// # Errors
    /// `Error::Corrupt` where tables are missing or of another version, and what [`StateTable::load`] fails with.
    pub fn load(
        &self,
        nodes: &[&NodeSnapshot],
        operator: &mut dyn Operator,
        instance: usize,
        parallelism: usize,
    ) -> Result<()> {
        for table in operator.state() {
            let saved: Vec<&RecordBatch> = nodes
                .iter()
                .map(|n| {
                    let found = n.tables.iter().find(|t| t.name == table.name() && t.version == table.version());
                    found.map(|t| &t.rows).ok_or_else(|| self.missing(&n.uid, table.name(), table.version()))
                })
                .collect::<Result<_>>()?;
            let schema = saved[0].schema();
            let rows = match table.scope() {
                Scope::Instance if saved.len() == parallelism => saved[instance].clone(),
                Scope::Instance => arrow::compute::concat_batches(&schema, saved)?,
                Scope::Keyed => {
                    let mine =
                        saved.iter().map(|rows| owned(rows, instance, parallelism)).collect::<Result<Vec<_>>>()?;
                    arrow::compute::concat_batches(&schema, &mine)?
                }
            };
            table.load(rows)?;
        }
        Ok(())
    }

    fn missing(&self, uid: &str, table: &str, version: u32) -> Error {
        let message = format!("checkpoint {} has no state '{table}' version {version} of operator '{uid}'", self.epoch);
        Error::Corrupt { message }
    }
}

/// The rows of the key groups of one instance.
fn owned(rows: &RecordBatch, instance: usize, parallelism: usize) -> Result<RecordBatch> {
    let groups = rows.columns().first().and_then(|c| c.as_primitive_opt::<UInt16Type>());
    let groups = groups.ok_or_else(|| Error::Corrupt {
        message: format!("the first column of saved state is not {KEY_GROUP_COLUMN} UINT16"),
    })?;
    let mine: BooleanArray = groups.values().iter().map(|&g| Some(instance_of(g, parallelism) == instance)).collect();
    Ok(arrow::compute::filter_record_batch(rows, &mine)?)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
