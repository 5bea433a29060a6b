//! Makes operators from plan nodes: the one place that names them all.

use wasmill_plan::{self as plan, Error, Result, Schema};

use crate::operator::{Operator, OperatorContext};
use crate::operators as ops;

/// Makes one instance of an operator. `inputs` are the schemas of its input ports, `output` that of its main output. Sources,
/// values and sinks are no operators: the job makes them.
///
/// # Errors
/// `Error::Query` for what cannot run, `Error::External` where a table held in memory cannot be read.
pub fn operator(
    operator: &plan::Operator,
    inputs: &[Schema],
    output: &Schema,
    context: &OperatorContext,
) -> Result<Box<dyn Operator>> {
    Ok(match operator {
        plan::Operator::Union => Box::new(ops::union::UnionOperator),
        plan::Operator::Calc { filter, projection } => {
            Box::new(ops::calc::CalcOperator::new(filter.as_ref(), projection, &inputs[0], output, context)?)
        }
        plan::Operator::Watermark { time_column, expr } => {
            Box::new(ops::watermark::WatermarkOperator::new(*time_column, expr, &inputs[0], output, context)?)
        }
        plan::Operator::ProcessingTime => Box::new(ops::processing_time::ProcessingTimeOperator::new(output, context)),
        plan::Operator::Expand { columns, sets } => {
            Box::new(ops::expand::ExpandOperator::new(columns, sets, &inputs[0], output, context))
        }
        plan::Operator::Unnest(node) => Box::new(ops::unnest::UnnestOperator::new(node, &inputs[0], output, context)?),
        plan::Operator::TableFunction(node) => {
            Box::new(ops::table_function::TableFunctionOperator::new(node, output, context)?)
        }
        plan::Operator::Predict(node) if node.feedback.is_some() => {
            Box::new(ops::learn::LearnOperator::new(node, inputs, output, context)?)
        }
        plan::Operator::Predict(node) => Box::new(ops::predict::PredictOperator::new(node, output, context)?),
        plan::Operator::Process(node) => {
            Box::new(ops::process::ProcessOperator::new(node, &inputs[0], output, context)?)
        }
        plan::Operator::WindowTable(node) => ops::window_table::new(node, &inputs[0], output, context.retracting)?,
        plan::Operator::WindowAggregate(node) => {
            ops::window_aggregate::new(node, &inputs[0], output, context.retracting, &*context.functions)?
        }
        plan::Operator::GroupAggregate { keys, aggregates } => {
            Box::new(ops::group_aggregate::GroupAggregateOperator::new(
                keys,
                aggregates,
                &inputs[0],
                output,
                context.retracting,
                &*context.functions,
            )?)
        }
        plan::Operator::WindowRank(node) => {
            Box::new(ops::window_rank::WindowRankOperator::new(node, &inputs[0], output, context.retracting)?)
        }
        plan::Operator::Over(node) => ops::over::over(node, &inputs[0], output, &*context.functions)?,
        plan::Operator::OverByColumn(node) => {
            Box::new(ops::over_by_column::OverByColumnOperator::new(node, &inputs[0], output, &*context.functions)?)
        }
        plan::Operator::Rank(node) => {
            Box::new(ops::rank::RankOperator::new(node, &inputs[0], output, context.retracting)?)
        }
        plan::Operator::Deduplicate(node) => Box::new(ops::deduplicate::DeduplicateOperator::new(node, &inputs[0])?),
        plan::Operator::LookupJoin(node) => {
            Box::new(ops::lookup_join::LookupJoinOperator::new(node, &inputs[0], output, context)?)
        }
        plan::Operator::Source(_) | plan::Operator::Values { .. } | plan::Operator::Sink(_) => {
            return Err(Error::query(format!("'{}' is not an operator", context.uid)));
        }
    })
}
