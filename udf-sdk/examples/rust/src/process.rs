//! Process functions: `quiet`, `merchants` and `heartbeat` as in ../../c/process.c, `top`, with a list, and `alarms`, with every change of timers.
//!
//! ```sql
//! CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE 'examples.wasm';
//! SELECT * FROM quiet(input => TABLE payments PARTITION BY card ORDER BY ts);
//! ```

use std::collections::BTreeMap;

use wasmill::Context;

const MINUTE_MS: i64 = 60_000;

/// Ten minutes after the last payment of a card: how many there were since the card was quiet last, and their sum.
#[derive(Default, wasmill::State)]
pub struct Quiet {
    payments: i64,
    total: f64,
}

#[wasmill::process(payments, total)]
impl Quiet {
    fn process(&mut self, context: &mut Context<(i64, f64)>, amount: Option<f64>) {
        self.payments += 1;
        self.total += amount.unwrap_or(0.0);
        // The timer of that name is replaced. Without ORDER BY or on_time a row has no time.
        if let Some(now) = context.time() {
            context.set_timer("quiet", now + 10 * MINUTE_MS);
        }
    }
    fn timer(&mut self, context: &mut Context<(i64, f64)>) {
        context.emit((self.payments, self.total));
        *self = Self::default();
    }
}

/// The merchants that a card paid for the first time, or for the first time again since it paid nowhere new for an hour, and how many
/// they are.
#[derive(Default, wasmill::State)]
pub struct Merchants {
    #[ttl("1 h")]
    seen: BTreeMap<String, i64>,
}

#[wasmill::process(merchant, number)]
impl Merchants {
    fn process<'a>(&mut self, context: &mut Context<(&'a str, i64)>, merchant: &'a str) {
        if !self.seen.contains_key(merchant) {
            let number = self.seen.len() as i64 + 1;
            self.seen.insert(merchant.to_owned(), number);
            context.emit((merchant, number));
        }
    }
}

/// Every minute of event time from a row on, until the key had no row for three of them: how many rows there were in the minute.
#[derive(Default, wasmill::State)]
pub struct Heartbeat {
    rows: i32,
    /// 0 where the heart does not beat, else one more than the minutes without a row.
    silent: i32,
}

#[wasmill::process(rows)]
impl Heartbeat {
    fn process(&mut self, context: &mut Context<i32>) {
        if self.silent == 0 {
            self.beat(context);
        }
        self.rows += 1;
        self.silent = 1;
    }
    fn timer(&mut self, context: &mut Context<i32>) {
        context.emit(self.rows);
        self.silent = if self.rows > 0 { 1 } else { self.silent + 1 };
        self.rows = 0;
        if self.silent > 3 {
            self.silent = 0;
        } else {
            self.beat(context);
        }
    }
    fn beat(&self, context: &mut Context<i32>) {
        if let Some(now) = context.time() {
            context.set_timer("m", now + MINUTE_MS);
        }
    }
}

/// The three largest values of a key whenever they change, and for how many milliseconds the ones before stood; NULL for the first. A key
/// without a row for two hours of the job's clock is forgotten.
#[derive(Default, wasmill::State)]
pub struct Top {
    #[ttl("2 h")]
    largest: Vec<f64>,
    #[ttl("2 h")]
    changed: Option<i64>,
}

#[wasmill::process(largest, stood)]
impl Top {
    fn process(&mut self, context: &mut Context<(Vec<f64>, Option<i64>)>, value: f64) -> Result<(), String> {
        if value.is_nan() {
            return Err("NaN is neither large nor small".to_owned());
        }
        // Each row counts, also one that changes nothing.
        context.renew();
        let place = self.largest.partition_point(|&larger| larger >= value);
        if place < 3 {
            self.largest.insert(place, value);
            self.largest.truncate(3);
            let stood = self.changed.zip(context.time()).map(|(before, now)| now - before);
            self.changed = context.time();
            context.emit((self.largest.clone(), stood));
        }
        Ok(())
    }
}

/// Alarms, as a table says: a name and when, in milliseconds since 1970; not by event time but by the job's clock where it says so. A name
/// without a time takes the alarm back, and nothing at all takes all of them back.
#[derive(Default, wasmill::State)]
pub struct Alarms;

#[wasmill::process(alarm, due)]
impl Alarms {
    fn process(
        &mut self,
        context: &mut Context<(Option<String>, Option<i64>)>,
        name: Option<&str>,
        due: Option<i64>,
        by_clock: bool,
    ) {
        match (name, due) {
            (name, Some(due)) if by_clock => context.set_processing_timer(name, due),
            (name, Some(due)) => context.set_timer(name, due),
            (Some(name), None) => context.clear_timer(name),
            (None, None) => context.clear_timers(),
        }
    }
    fn timer(&mut self, context: &mut Context<(Option<String>, Option<i64>)>, name: Option<&str>) {
        context.emit((name.map(str::to_owned), context.time()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_card() {
        let mut quiet = Quiet::default();
        let mut context = Context::at(0);
        quiet.process(&mut context, Some(2.5));
        quiet.process(&mut context, None);
        assert_eq!(context.timers().last().unwrap().at, Some(600_000));
        quiet.timer(&mut context);
        assert_eq!(context.rows(), [(2, 2.5)]);
        assert_eq!((quiet.payments, quiet.total), (0, 0.0));
    }
}
