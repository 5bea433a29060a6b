//! The built-in aggregate functions: columnar accumulators for many groups at once, with Flink's results.
//!
//! ```text
//! AggregateCall --new_aggregate--> Filtered( Distinct( Sum | Count | Extremum | … ) )
//!                                  dense group numbers + argument columns -> accumulators -> result column
//! ```
//!
//! An operator numbers its groups (a key, a key in a window, a session) densely and gives whole columns with the group of
//! each row; a call costs one dynamic dispatch a batch, never one a row.

mod bitmaps;
mod count;
mod distinct;
mod elements;
mod extremum;
mod filtered;
mod joined;
mod json;
mod json_object;
mod multiset;
mod row_values;
mod sum;
mod user;
mod variance;

#[cfg(test)]
mod tests;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType as A;
use wasmill_expr::UserFunctions;
use wasmill_plan::{AggregateCall, Error, Result, TypeKind, Value};

/// The accumulators of one aggregate call, for groups `0..n`.
///
/// `args` are always the columns of [`arguments`]: the call's arguments, then its filter where it has one. `groups` has one
/// number per row, each below the last [`Aggregate::resize`]. Rows count in their order.
pub trait Aggregate: Send {
    /// Makes room for groups `0..groups`; new ones are empty. Never shrinks.
    fn resize(&mut self, groups: usize);

    /// Adds rows.
    ///
    /// # Errors
    /// `Error::Data` where a value cannot be aggregated.
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()>;

    /// Takes rows back that were added before; only after `needs_retract` of [`new_aggregate`].
    ///
    /// # Errors
    /// As [`Aggregate::update`].
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()>;

    /// Whether rows can be taken back; built-in functions made with `needs_retract` always can.
    fn can_retract(&self) -> bool {
        true
    }

    /// Adds what group `from[i]` holds to group `into[i]`, in order; the rows of `into` count as the earlier ones. `from`
    /// stays as it is.
    ///
    /// # Errors
    /// As [`Aggregate::update`].
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()>;

    /// Whether the order of merged parts is that of their rows (FIRST_VALUE, LAST_VALUE). Windows made of slices merge all
    /// others from the newest slice to the oldest, as Flink does, which shows in LISTAGG and in the last digit of sums.
    fn merges_in_order(&self) -> bool {
        false
    }

    /// The results of those groups.
    ///
    /// # Errors
    /// `Error::Data` where the rows have no result (SINGLE_VALUE of two).
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef>;

    /// Empties groups, for reuse.
    fn clear(&mut self, groups: &[u32]);

    /// The Arrow types of the columns of [`Aggregate::save`].
    fn state_types(&self) -> Vec<A>;

    /// The accumulators of those groups, one row each; the layout is documented at each implementation.
    ///
    /// # Errors
    /// None today; what cannot be saved is `Error::Query`.
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>>;

    /// Fills groups, which are empty, with rows of [`Aggregate::save`].
    ///
    /// # Errors
    /// `Error::Corrupt` where the columns are not of [`Aggregate::state_types`].
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()>;
}

/// The columns that a call's accumulators take from the operator's input: arguments, then the filter.
pub fn arguments(call: &AggregateCall, rows: &RecordBatch) -> Vec<ArrayRef> {
    call.args.iter().chain(&call.filter).map(|&c| rows.column(c).clone()).collect()
}

/// Makes the accumulators of a call of a GROUP BY. `needs_retract`: [`Aggregate::retract`] will be called (the input is a
/// changelog, or the frame slides). What is not built in is one of `functions`.
///
/// # Errors
/// `Error::Query` where there is no such function, or it cannot do what is asked for.
pub fn new_aggregate(
    call: &AggregateCall,
    needs_retract: bool,
    functions: &dyn UserFunctions,
) -> Result<Box<dyn Aggregate>> {
    let aggregate = new_over_frame(call, needs_retract, functions)?;
    if needs_retract && !aggregate.can_retract() {
        return Err(Error::Query {
            message: format!(
                "aggregate function '{}' cannot take rows back, and its input updates rows",
                call.function
            ),
            hint: Some(format!("export '{}__retract' from its module", call.function)),
        });
    }
    Ok(aggregate)
}

fn new_over_frame(
    call: &AggregateCall,
    needs_retract: bool,
    functions: &dyn UserFunctions,
) -> Result<Box<dyn Aggregate>> {
    let plain = match wasmill_expr::aggregate::find(&call.function) {
        Some(_) => new_plain(call, needs_retract)?,
        None => Box::new(user::User::new(functions.aggregate(&call.function)?)),
    };
    wrap(call, plain)
}

/// The same for a call over an OVER frame. Flink computes the variance functions differently there: from the sums of values
/// and squares, in the type of the argument. A user's function may lack [`Aggregate::can_retract`]: its frames are then
/// computed anew.
///
/// # Errors
/// As [`new_aggregate`].
pub fn new_over_aggregate(
    call: &AggregateCall,
    needs_retract: bool,
    functions: &dyn UserFunctions,
) -> Result<Box<dyn Aggregate>> {
    match wasmill_expr::aggregate::find(&call.function).and_then(variance::Kind::of) {
        Some(kind) => wrap(call, variance::new_from_sums(kind, &call.arg_types[0], &call.data_type)?),
        None => new_over_frame(call, needs_retract, functions),
    }
}

fn wrap(call: &AggregateCall, mut aggregate: Box<dyn Aggregate>) -> Result<Box<dyn Aggregate>> {
    // MIN and MAX of distinct values are those of all values.
    if call.distinct && !call.args.is_empty() && !matches!(call.function.as_str(), "MIN" | "MAX") {
        aggregate = distinct::new(aggregate, &call.arg_types)?;
    }
    if call.filter.is_some() {
        aggregate = Box::new(filtered::Filtered::new(aggregate));
    }
    Ok(aggregate)
}

fn new_plain(call: &AggregateCall, needs_retract: bool) -> Result<Box<dyn Aggregate>> {
    let function = wasmill_expr::aggregate::find(&call.function).unwrap_or(&call.function);
    let flag = || call.constants.first() == Some(&Value::Boolean(true));
    if let Some(kind) = variance::Kind::of(function) {
        return variance::new(kind, argument(call)?, &call.data_type);
    }
    if let Some(bitmaps) = bitmaps::Bitmaps::new(function, needs_retract) {
        return Ok(Box::new(bitmaps));
    }
    match function {
        "COUNT" => Ok(Box::new(count::Count::default())),
        "SUM" | "AVG" => sum::new(function == "AVG", argument(call)?, &call.data_type),
        "MIN" | "MAX" if needs_retract => {
            Ok(Box::new(multiset::Multisets::extremum(argument(call)?, function == "MAX")?))
        }
        "FIRST_VALUE" | "LAST_VALUE" if needs_retract => {
            let pick = if function == "FIRST_VALUE" { elements::Give::First } else { elements::Give::Last };
            elements::new(pick, &call.arg_types, true)
        }
        "MIN" => extremum::new::<extremum::Min>(argument(call)?),
        "MAX" => extremum::new::<extremum::Max>(argument(call)?),
        "FIRST_VALUE" => extremum::new::<extremum::First>(argument(call)?),
        "LAST_VALUE" => extremum::new::<extremum::Last>(argument(call)?),
        "SINGLE_VALUE" => elements::new(elements::Give::Single, &call.arg_types, false),
        "LISTAGG" => {
            let separator = match call.constants.first() {
                None => ",".to_owned(),
                Some(Value::Text(separator)) => separator.clone(),
                Some(other) => {
                    return Err(Error::query(format!("the separator of LISTAGG must be text, not {other:?}")));
                }
            };
            Ok(Box::new(joined::Joined::new(separator)))
        }
        "ARRAY_AGG" => elements::new(elements::Give::Array, &call.arg_types, flag()),
        "JSON_ARRAYAGG" => {
            // ABSENT ON NULL is the default.
            let absent = call.constants.is_empty() || flag();
            let texts = elements::new(elements::Give::JsonArray, &[wasmill_plan::DataType::string()], absent)?;
            json::new(texts, 0, argument(call)?)
        }
        "JSON_OBJECTAGG" => {
            let value = call.arg_types.get(1).ok_or_else(|| Error::query("JSON_OBJECTAGG needs a key and a value"))?;
            json::new(Box::new(json_object::JsonObjects::new(flag())), 1, value)
        }
        "COLLECT" => Ok(Box::new(multiset::Multisets::collect(argument(call)?, &call.data_type)?)),
        "PERCENTILE" => {
            Ok(Box::new(multiset::Multisets::percentile(call, matches!(call.data_type.kind, TypeKind::Array(_)))?))
        }
        other => Err(Error::query(format!("there is no aggregate function '{other}'"))),
    }
}

fn argument(call: &AggregateCall) -> Result<&wasmill_plan::DataType> {
    call.arg_types.first().ok_or_else(|| Error::query(format!("{} needs an argument", call.function)))
}

/// The error of [`Aggregate::load`].
fn corrupt(what: &str) -> Error {
    Error::Corrupt { message: format!("the saved state of {what} does not have the columns it should have") }
}

/// A column of saved state as an array of that primitive type.
fn primitive<'a, T: arrow::datatypes::ArrowPrimitiveType>(
    columns: &'a [ArrayRef],
    index: usize,
    what: &str,
) -> Result<&'a arrow::array::PrimitiveArray<T>> {
    use arrow::array::AsArray;
    columns.get(index).and_then(|c| c.as_primitive_opt::<T>()).ok_or_else(|| corrupt(what))
}
