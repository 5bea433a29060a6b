//! Units of time: `DAY`, `QUARTER`, `ISODOW`.

use wasmill_plan::{Error, Result, Value};

use crate::function::{Argument, CallSite};

/// A unit of EXTRACT, FLOOR, CEIL, TIMESTAMPADD or TIMESTAMPDIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millennium,
    Century,
    Decade,
    Year,
    IsoYear,
    Quarter,
    Month,
    Week,
    Day,
    DayOfYear,
    DayOfWeek,
    IsoDayOfWeek,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Epoch,
}

impl Unit {
    /// By its name, also in ODBC's form (`SQL_TSI_DAY`).
    fn parse(name: &str) -> Option<Self> {
        let name = name.to_uppercase();
        let name = name.trim_start_matches("SQL_TSI_").trim_end_matches("()");
        Some(match name {
            "MILLENNIUM" => Self::Millennium,
            "CENTURY" => Self::Century,
            "DECADE" => Self::Decade,
            "YEAR" => Self::Year,
            "ISOYEAR" => Self::IsoYear,
            "QUARTER" => Self::Quarter,
            "MONTH" => Self::Month,
            "WEEK" => Self::Week,
            "DAY" => Self::Day,
            "DOY" => Self::DayOfYear,
            "DOW" => Self::DayOfWeek,
            "ISODOW" => Self::IsoDayOfWeek,
            "HOUR" => Self::Hour,
            "MINUTE" => Self::Minute,
            "SECOND" => Self::Second,
            "MILLISECOND" => Self::Millisecond,
            "MICROSECOND" => Self::Microsecond,
            "NANOSECOND" => Self::Nanosecond,
            "EPOCH" => Self::Epoch,
            "FRAC_SECOND" => Self::Second,
            _ => return None,
        })
    }

    /// Of an argument, which is a text literal.
    pub fn of(argument: &Argument) -> Result<Self, String> {
        match argument.literal {
            Some(Value::Text(name)) => Self::parse(name).ok_or_else(|| format!("there is no unit {name}")),
            _ => Err("a unit such as DAY was expected".to_owned()),
        }
    }

    /// Of a call that was inferred.
    pub fn of_site(site: &CallSite, index: usize) -> Result<Self> {
        match site.literals.get(index) {
            Some(Some(Value::Text(name))) => Self::parse(name),
            _ => None,
        }
        .ok_or_else(|| Error::query("a unit of time was expected"))
    }

    /// The length of a unit of fixed length, up to a day.
    pub fn nanos(self) -> Option<i64> {
        Some(match self {
            Self::Day => super::DAY_NS,
            Self::Hour => 3_600_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Second => 1_000_000_000,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1_000,
            Self::Nanosecond => 1,
            _ => return None,
        })
    }

    /// The length of a unit of whole months.
    pub fn months(self) -> Option<i64> {
        Some(match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
            Self::Decade => 120,
            Self::Century => 1_200,
            Self::Millennium => 12_000,
            _ => return None,
        })
    }

    /// Whether it lies inside a day.
    pub fn is_of_clock(self) -> bool {
        self != Self::Day && self.nanos().is_some()
    }
}
