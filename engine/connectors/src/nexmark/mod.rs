//! The `nexmark` connector: people, auctions and bids of an online auction, with the shape of the Flink connector of that
//! name (<https://github.com/nexmark/nexmark>): one table of events in which one of `person`, `auction` and `bid` is set.
//!
//! Event n depends on the seed and n alone, so runs, restores and instances agree.

mod model;

use wasmill_plan::{DataType, SourceNode, Table, TypeKind};
use wasmill_runtime::source::Source;

use crate::format::physical_columns;
use crate::generator::GeneratorSource;
use crate::options::{OptionError, OptionKind, OptionSpec, Reader, nearest};
use crate::time::{TimestampFormat, parse_timestamp};
use model::{Model, Proportions};

pub(crate) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("events.num", OptionKind::Integer(0), "how many events; 0: no end").or("0"),
    OptionSpec::new("first-event.rate", OptionKind::Integer(1), "events a second of event time").or("10000"),
    OptionSpec::new(
        "next-event.rate",
        OptionKind::Integer(1),
        "the same as 'first-event.rate'; other rates are not supported",
    ),
    OptionSpec::new("rate.limited", OptionKind::Boolean, "give events at the pace of their event time").or("false"),
    OptionSpec::new("person.proportion", OptionKind::Integer(1), "people among that many events").or("1"),
    OptionSpec::new("auction.proportion", OptionKind::Integer(1), "auctions among that many events").or("3"),
    OptionSpec::new("bid.proportion", OptionKind::Integer(0), "bids among that many events").or("46"),
    OptionSpec::new("person.avg-size", OptionKind::Size, "average size of a person").or("200 b"),
    OptionSpec::new("auction.avg-size", OptionKind::Size, "average size of an auction").or("500 b"),
    OptionSpec::new("bid.avg-size", OptionKind::Size, "average size of a bid").or("100 b"),
    OptionSpec::new("bid.hot-ratio.auctions", OptionKind::Integer(1), "one in so many bids is not on a hot auction")
        .or("2"),
    OptionSpec::new("bid.hot-ratio.bidders", OptionKind::Integer(1), "one in so many bids is not by a hot bidder")
        .or("4"),
    OptionSpec::new(
        "auction.hot-ratio.sellers",
        OptionKind::Integer(1),
        "one in so many auctions is not by a hot seller",
    )
    .or("4"),
    OptionSpec::new("base-time", OptionKind::Text, "time of the first event").or("2020-01-01 00:00:00"),
    OptionSpec::new("seed", OptionKind::Integer(0), "other events for another seed").or("0"),
];

/// Checks the options and the columns of a table.
///
/// # Errors
/// The first that is wrong.
pub(crate) fn check(table: &Table) -> Result<(), OptionError> {
    model(table)?;
    let wanted = columns();
    for column in physical_columns(table) {
        let Some((_, kind)) = wanted.iter().find(|(name, _)| *name == column.name) else {
            let names: Vec<&str> = wanted.iter().map(|(n, _)| *n).collect();
            let error = OptionError::new("connector", format!("connector 'nexmark' has no column '{}'", column.name));
            return Err(match nearest(&column.name, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error.hint(format!("its columns are {}", crate::options::list(&names))),
            });
        };
        if !same_type(kind, &column.data_type.kind) {
            let message =
                format!("column '{}' of connector 'nexmark' is {kind}, not {}", column.name, column.data_type);
            return Err(OptionError::new("connector", message));
        }
    }
    Ok(())
}

/// Whether two types are the same but for nullability.
fn same_type(a: &TypeKind, b: &TypeKind) -> bool {
    match (a, b) {
        (TypeKind::Row(a), TypeKind::Row(b)) => {
            let same = |(x, y): (&wasmill_plan::Field, &wasmill_plan::Field)| {
                x.name == y.name && same_type(&x.data_type.kind, &y.data_type.kind)
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        (a, b) => a == b,
    }
}

/// The columns of the table, in Flink's order.
fn columns() -> [(&'static str, TypeKind); 4] {
    let row = |fields: &[(&str, TypeKind)]| {
        TypeKind::Row(fields.iter().map(|(n, k)| wasmill_plan::Field::new(*n, DataType::nullable(k.clone()))).collect())
    };
    let (bigint, string, time) = (TypeKind::BigInt, DataType::string().kind, TypeKind::Timestamp(3));
    let of = |name: &'static str, kind: &TypeKind| (name, kind.clone());
    [
        ("event_type", TypeKind::Int),
        (
            "person",
            row(&[
                of("id", &bigint),
                of("name", &string),
                of("emailAddress", &string),
                of("creditCard", &string),
                of("city", &string),
                of("state", &string),
                of("dateTime", &time),
                of("extra", &string),
            ]),
        ),
        (
            "auction",
            row(&[
                of("id", &bigint),
                of("itemName", &string),
                of("description", &string),
                of("initialBid", &bigint),
                of("reserve", &bigint),
                of("dateTime", &time),
                of("expires", &time),
                of("seller", &bigint),
                of("category", &bigint),
                of("extra", &string),
            ]),
        ),
        (
            "bid",
            row(&[
                of("auction", &bigint),
                of("bidder", &bigint),
                of("price", &bigint),
                of("channel", &string),
                of("url", &string),
                of("dateTime", &time),
                of("extra", &string),
            ]),
        ),
    ]
}

fn model(table: &Table) -> Result<Model, OptionError> {
    let options = Reader::of(table);
    let integer = |key: &str, default: i64| Ok::<_, OptionError>(options.integer(key)?.unwrap_or(default) as u64);
    let size =
        |key: &str, default: u64| Ok::<_, OptionError>(options.size(key)?.unwrap_or(default).min(1 << 20) as usize);
    let rate = integer("first-event.rate", 10_000)?;
    if integer("next-event.rate", rate as i64)? != rate {
        return Err(OptionError::new("next-event.rate", "a rate that changes is not supported")
            .hint("give 'next-event.rate' the value of 'first-event.rate', or leave it out"));
    }
    let base_time = options.text("base-time").unwrap_or("2020-01-01 00:00:00");
    let base_time_ms = parse_timestamp(base_time.trim().as_bytes(), TimestampFormat::Sql)
        .and_then(|t| t.to_units(3))
        .ok_or_else(|| {
        OptionError::new("base-time", format!("'{base_time}' is not a value of option 'base-time'"))
            .hint("use a time such as '2020-01-01 00:00:00'")
    })?;
    Ok(Model {
        seed: integer("seed", 0)?,
        base_time_ms,
        event_us: 1e6 / rate as f64,
        proportions: Proportions {
            person: integer("person.proportion", 1)?,
            auction: integer("auction.proportion", 3)?,
            bid: integer("bid.proportion", 46)?,
        },
        person_bytes: size("person.avg-size", 200)?,
        auction_bytes: size("auction.avg-size", 500)?,
        bid_bytes: size("bid.avg-size", 100)?,
        hot_auctions: integer("bid.hot-ratio.auctions", 2)?,
        hot_bidders: integer("bid.hot-ratio.bidders", 4)?,
        hot_sellers: integer("auction.hot-ratio.sellers", 4)?,
        columns: Vec::new(),
    })
}

/// The table's source.
///
/// # Errors
/// A wrong option or column.
pub(crate) fn source(node: &SourceNode, index: usize, parallelism: usize) -> Result<Box<dyn Source>, OptionError> {
    check(&node.table)?;
    let options = Reader::of(&node.table);
    let mut model = model(&node.table)?;
    model.columns = node.projection.iter().map(|i| model::EventColumn::of(&node.table.columns[*i].name)).collect();
    let events = options.integer("events.num")?.filter(|n| *n > 0).map(|n| n as u64);
    let rate = 1e6 / model.event_us;
    let pace = options.boolean("rate.limited", false)?.then_some(rate);
    Ok(Box::new(GeneratorSource::new(model, node, (index, parallelism), events, pace)))
}

/// Whether the events end.
pub(crate) fn is_bounded(table: &Table) -> bool {
    matches!(Reader::of(table).integer("events.num"), Ok(Some(n)) if n > 0)
}
