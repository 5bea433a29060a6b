//! `EWMean` and `EWVar`: newer values weigh more (Finch 2009).

#[derive(Clone, Copy, Default)]
pub struct EwMean {
    mean: f64,
    begun: bool,
}

impl EwMean {
    /// The closer `fading` is to 1, the more the newest values count.
    pub fn update(&mut self, x: f64, fading: f64) {
        self.mean = if self.begun { fading * x + (1.0 - fading) * self.mean } else { x };
        self.begun = true;
    }
    pub fn get(&self) -> Option<f64> {
        self.begun.then_some(self.mean)
    }
}

#[derive(Clone, Copy, Default)]
pub struct EwVar {
    mean: EwMean,
    squares: EwMean,
}

impl EwVar {
    pub fn update(&mut self, x: f64, fading: f64) {
        self.mean.update(x, fading);
        self.squares.update(x * x, fading);
    }
    pub fn get(&self) -> Option<f64> {
        let mean = self.mean.get()?;
        Some(self.squares.get()? - mean * mean)
    }
}
