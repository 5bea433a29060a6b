//! The `blackhole` sink: takes rows and forgets them.

use wasmill_plan::Result;
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::Sink;

/// Takes anything.
pub(crate) struct BlackholeSink;

impl Sink for BlackholeSink {
    fn write(&mut self, _batch: &Batch) -> Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
