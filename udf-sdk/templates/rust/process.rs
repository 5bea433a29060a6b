//! A process function for wasmill: the rows of each key with state and timers, which the engine keeps.

use wasmill::Context;

const QUIET_MS: i64 = 10 * 60 * 1000;

/// The sum of a key's payments so far with each of them; ten minutes after the last one it begins anew.
#[derive(Default, wasmill::State)]
pub struct Running {
    #[ttl("1 d")]
    total: f64,
}

#[wasmill::process(total)]
impl Running {
    fn process(&mut self, context: &mut Context<f64>, amount: Option<f64>) {
        self.total += amount.unwrap_or(0.0);
        context.emit(self.total);
        // Without ORDER BY or on_time a row has no time. A timer of this name is replaced.
        if let Some(now) = context.time() {
            context.set_timer("quiet", now + QUIET_MS);
        }
    }
    fn timer(&mut self, _context: &mut Context<f64>) {
        self.total = 0.0;
    }
}
