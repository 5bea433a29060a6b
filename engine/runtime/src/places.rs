//! The places of one task at which users' functions are called, so that another version can take their place at a barrier.
//!
//! ```text
//! operator --call--> place --> the version of now
//!                      ▲ swap: made ready beside it (state: save --> load), then put in for all places at once
//! ```
//! A place is locked at each call: only its own task's thread does, so nobody waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use wasmill_expr::{
    Context, KeyedRows, ModuleVersion, ProcessResult, UserAggregate, UserFunctions, UserModel, UserName, UserProcess,
    UserScalar, UserTable,
};
use wasmill_plan::{Result, Table};

use crate::swap::Swap;

/// Gives the users' functions to the operators of one task, and remembers where.
pub(crate) struct Places {
    functions: Arc<dyn UserFunctions + Send + Sync>,
    places: Mutex<Vec<(UserName, Place)>>,
    shadows: Arc<ShadowRows>,
}

/// What candidates gave, on its way to the tables that keep it.
#[derive(Default)]
pub(crate) struct ShadowRows(Mutex<Vec<(UserName, RecordBatch)>>);

/// A version that is ready, to be put in.
pub(crate) type Change = Box<dyn FnOnce() + Send>;

type Shared<T> = Arc<Mutex<T>>;

enum Place {
    Scalar(Shared<Box<dyn UserScalar>>),
    Aggregate(Shared<Aggregate>),
    Table(Shared<Box<dyn UserTable>>),
    Process(Shared<Box<dyn UserProcess>>),
    Model(Shared<Model>),
}

struct Aggregate {
    function: Box<dyn UserAggregate>,
    groups: usize,
}

struct Model {
    model: Box<dyn UserModel>,
    /// It has a state that another version must take over.
    has_learnt: bool,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ShadowRows {
    /// All that came since.
    pub(crate) fn take(&self) -> Vec<(UserName, RecordBatch)> {
        std::mem::take(&mut *lock(&self.0))
    }
    fn put(&self, name: &UserName, rows: Option<RecordBatch>) {
        if let Some(rows) = rows {
            lock(&self.0).push((name.clone(), rows));
        }
    }
}

impl Places {
    pub(crate) fn new(functions: Arc<dyn UserFunctions + Send + Sync>) -> Self {
        Self { functions, places: Mutex::default(), shadows: Arc::default() }
    }

    /// Where candidates leave what they gave.
    pub(crate) fn shadows(&self) -> Arc<ShadowRows> {
        self.shadows.clone()
    }

    /// The names that operators have asked for, each once.
    pub(crate) fn names(&self) -> Vec<UserName> {
        let mut names: Vec<UserName> = lock(&self.places).iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Makes the new version ready at every place of its name, with the state of the old one, which goes on until the
    /// changes are run.
    ///
    /// # Errors
    /// The new version cannot be made, or does not take the state.
    pub(crate) fn prepare(&self, swap: &Swap) -> Result<Vec<Change>> {
        let places = lock(&self.places);
        let named = places.iter().filter(|(name, _)| *name == swap.name);
        named.map(|(name, place)| place.prepare(&name.name, &*swap.functions)).collect()
    }

    fn add(&self, name: &UserName, place: Place) {
        lock(&self.places).push((name.clone(), place));
    }
}

impl Place {
    fn prepare(&self, name: &str, functions: &dyn UserFunctions) -> Result<Change> {
        Ok(match self {
            Self::Scalar(place) => {
                let (place, new) = (place.clone(), functions.scalar(name)?);
                Box::new(move || *lock(&place) = new)
            }
            Self::Table(place) => {
                let (place, new) = (place.clone(), functions.table(name)?);
                Box::new(move || *lock(&place) = new)
            }
            // Its state is the operator's.
            Self::Process(place) => {
                let (place, new) = (place.clone(), functions.process(name)?);
                Box::new(move || *lock(&place) = new)
            }
            Self::Aggregate(place) => {
                let mut new = functions.aggregate(name)?;
                let mut old = lock(place);
                if old.groups > 0 {
                    let groups: Vec<u32> = (0..old.groups as u32).collect();
                    new.resize(old.groups);
                    new.load(&groups, &old.function.save(&groups)?)?;
                }
                let place = place.clone();
                Box::new(move || lock(&place).function = new)
            }
            Self::Model(place) => {
                let mut new = functions.model(name)?;
                let mut old = lock(place);
                if old.has_learnt {
                    new.load(&old.model.save()?)?;
                }
                let place = place.clone();
                Box::new(move || lock(&place).model = new)
            }
        })
    }
}

impl UserFunctions for Places {
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>> {
        let place = Arc::new(Mutex::new(self.functions.scalar(name)?));
        let name = UserName::function(name);
        self.add(&name, Place::Scalar(place.clone()));
        Ok(Box::new(PlacedScalar { place, name, shadows: self.shadows() }))
    }
    fn aggregate(&self, name: &str) -> Result<Box<dyn UserAggregate>> {
        let place = Arc::new(Mutex::new(Aggregate { function: self.functions.aggregate(name)?, groups: 0 }));
        self.add(&UserName::function(name), Place::Aggregate(place.clone()));
        Ok(Box::new(PlacedAggregate(place)))
    }
    fn table(&self, name: &str) -> Result<Box<dyn UserTable>> {
        let place = Arc::new(Mutex::new(self.functions.table(name)?));
        self.add(&UserName::function(name), Place::Table(place.clone()));
        Ok(Box::new(PlacedTable(place)))
    }
    fn process(&self, name: &str) -> Result<Box<dyn UserProcess>> {
        let place = Arc::new(Mutex::new(self.functions.process(name)?));
        self.add(&UserName::function(name), Place::Process(place.clone()));
        Ok(Box::new(PlacedProcess(place)))
    }
    fn model(&self, name: &str) -> Result<Box<dyn UserModel>> {
        let place = Arc::new(Mutex::new(Model { model: self.functions.model(name)?, has_learnt: false }));
        let name = UserName::model(name);
        self.add(&name, Place::Model(place.clone()));
        Ok(Box::new(PlacedModel { place, name, shadows: self.shadows() }))
    }
    fn version(&self, name: &UserName) -> Option<ModuleVersion> {
        self.functions.version(name)
    }
    fn shadow_table(&self, name: &UserName) -> Option<Table> {
        self.functions.shadow_table(name)
    }
}

struct PlacedScalar {
    place: Shared<Box<dyn UserScalar>>,
    name: UserName,
    shadows: Arc<ShadowRows>,
}

impl UserScalar for PlacedScalar {
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<ArrayRef> {
        let mut function = lock(&self.place);
        let result = function.call(args, rows, context);
        self.shadows.put(&self.name, function.take_shadow());
        result
    }
}

struct PlacedTable(Shared<Box<dyn UserTable>>);

impl UserTable for PlacedTable {
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
        lock(&self.0).call(args, rows, context)
    }
}

struct PlacedProcess(Shared<Box<dyn UserProcess>>);

impl UserProcess for PlacedProcess {
    fn process(&mut self, rows: &KeyedRows<'_>, args: &[ArrayRef]) -> Result<ProcessResult> {
        lock(&self.0).process(rows, args)
    }
    fn timer(&mut self, timers: &KeyedRows<'_>, names: &StringArray) -> Result<ProcessResult> {
        lock(&self.0).timer(timers, names)
    }
}

struct PlacedAggregate(Shared<Aggregate>);

impl UserAggregate for PlacedAggregate {
    fn can_retract(&self) -> bool {
        lock(&self.0).function.can_retract()
    }
    fn can_merge(&self) -> bool {
        lock(&self.0).function.can_merge()
    }
    fn resize(&mut self, groups: usize) {
        let mut place = lock(&self.0);
        place.groups = place.groups.max(groups);
        place.function.resize(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        lock(&self.0).function.update(groups, args)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        lock(&self.0).function.retract(groups, args)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        lock(&self.0).function.merge(into, from)
    }
    fn finish(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        lock(&self.0).function.finish(groups)
    }
    fn clear(&mut self, groups: &[u32]) {
        lock(&self.0).function.clear(groups);
    }
    fn save(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        lock(&self.0).function.save(groups)
    }
    fn load(&mut self, groups: &[u32], saved: &ArrayRef) -> Result<()> {
        lock(&self.0).function.load(groups, saved)
    }
}

struct PlacedModel {
    place: Shared<Model>,
    name: UserName,
    shadows: Arc<ShadowRows>,
}

impl PlacedModel {
    fn with<T>(&mut self, work: impl FnOnce(&mut Model) -> Result<T>) -> Result<T> {
        let mut place = lock(&self.place);
        let result = work(&mut place);
        self.shadows.put(&self.name, place.model.take_shadow());
        result
    }
}

impl UserModel for PlacedModel {
    fn predict(&mut self, args: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        self.with(|place| place.model.predict(args, rows))
    }
    fn predict_then_learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        self.with(|place| {
            place.has_learnt = true;
            place.model.predict_then_learn(args, labels, rows)
        })
    }
    fn learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<()> {
        self.with(|place| {
            place.has_learnt = true;
            place.model.learn(args, labels, rows)
        })
    }
    fn save(&mut self) -> Result<Vec<u8>> {
        lock(&self.place).model.save()
    }
    fn load(&mut self, snapshot: &[u8]) -> Result<()> {
        let mut place = lock(&self.place);
        place.has_learnt = true;
        place.model.load(snapshot)
    }
}
