//! Snapshots and states as bytes: numbers one behind the other, little-endian, with the version of their layout in front.

/// Bytes under construction.
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with the version of the layout.
    pub fn new(version: u8) -> Self {
        Self(vec![version])
    }
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.u64(value as u64)
    }
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.u64(value.to_bits())
    }
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(u8::from(value));
        self
    }
    /// Their number, then each.
    pub fn f64s<'a>(&mut self, values: impl ExactSizeIterator<Item = &'a f64>) -> &mut Self {
        self.u64(values.len() as u64);
        values.for_each(|value| {
            self.f64(*value);
        });
        self
    }
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.u64(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
        self
    }
    pub fn done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Reads what a [`Writer`] wrote.
pub struct Reader<'a>(&'a [u8]);

/// Why bytes cannot be read.
pub type Unreadable = String;

impl<'a> Reader<'a> {
    /// Refuses another version than `version`.
    pub fn new(bytes: &'a [u8], version: u8) -> Result<Self, Unreadable> {
        match bytes.split_first() {
            Some((&found, rest)) if found == version => Ok(Self(rest)),
            Some((found, _)) => Err(format!("the snapshot has version {found}, this module reads version {version}")),
            None => Err("the snapshot is empty".to_owned()),
        }
    }
    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the snapshot ends too early")?;
        self.0 = rest;
        Ok(taken)
    }
    pub fn u64(&mut self) -> Result<u64, Unreadable> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().expect("eight bytes")))
    }
    pub fn i64(&mut self) -> Result<i64, Unreadable> {
        Ok(self.u64()? as i64)
    }
    pub fn f64(&mut self) -> Result<f64, Unreadable> {
        Ok(f64::from_bits(self.u64()?))
    }
    pub fn bool(&mut self) -> Result<bool, Unreadable> {
        Ok(self.take(1)?[0] != 0)
    }
    /// A number of things of which each takes at least a byte.
    pub fn count(&mut self) -> Result<usize, Unreadable> {
        let count = self.u64()?;
        if count > self.0.len() as u64 {
            return Err("the snapshot ends too early".to_owned());
        }
        Ok(count as usize)
    }
    pub fn f64s<C: FromIterator<f64>>(&mut self) -> Result<C, Unreadable> {
        (0..self.count()?).map(|_| self.f64()).collect()
    }
    pub fn text(&mut self) -> Result<String, Unreadable> {
        let bytes = self.count()?;
        String::from_utf8(self.take(bytes)?.to_vec()).map_err(|e| e.to_string())
    }
    /// Refuses what was not read.
    pub fn end(self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err("the snapshot is longer than it should be".to_owned()) }
    }
}
