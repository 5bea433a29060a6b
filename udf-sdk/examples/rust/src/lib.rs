//! Functions in Rust, one of each kind.
//!
//! ```sql
//! CREATE FUNCTION domain(email STRING) RETURNS STRING LANGUAGE WASM USING FILE 'examples.wasm';
//! CREATE FUNCTION first_known(a STRING, b STRING) RETURNS STRING LANGUAGE WASM USING FILE 'examples.wasm';
//! ```

wasmill::module!();

wasmill::plain! {
    /// The part of an address after the last @; NULL where there is none.
    fn domain(email: &str) -> Option<String> {
        email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
    }

    /// Whether a text begins with another.
    fn begins(text: &str, with: &str) -> bool {
        text.starts_with(with)
    }

    fn half(amount: f64) -> f64 {
        amount / 2.0
    }
}

wasmill::columns! {
    /// The first that is not NULL.
    fn first_known(a: Option<&str>, b: Option<&str>) -> Option<String> {
        a.or(b).map(str::to_owned)
    }

    /// Refuses what is below zero.
    fn root(x: f64) -> Result<f64, String> {
        if x < 0.0 { Err(format!("no root of {x}")) } else { Ok(x.sqrt()) }
    }
}

wasmill::batch! {
    /// The function that the benchmark measures.
    fn blend(batch: &Batch) -> Result<Vec<f64>, String> {
        let (a, b) = (batch.column(0), batch.column(1));
        if a.is_constant() || b.is_constant() || a.null_count() + b.null_count() > 0 {
            return Err("blend takes columns without NULL".to_owned());
        }
        let pairs = a.values::<f64>().iter().zip(b.values::<f64>());
        Ok(pairs.map(|(a, b)| 0.7 * a + b / (1.0 + a.abs()) + 0.25 * if *b > 0.0 { *b } else { 0.0 }).collect())
    }
}
