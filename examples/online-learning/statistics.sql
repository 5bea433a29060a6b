-- Running statistics of the amounts, each of which could be PARTITION BY card.
CREATE AGGREGATE FUNCTION ew_mean LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION ew_var LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION p2_quantile LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION mad LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION exact_quantile LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION skew LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION kurtosis LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION entropy LANGUAGE WASM USING FILE 'river.wasm';

CREATE TABLE amounts (ew_mean DOUBLE, ew_var DOUBLE, median DOUBLE, p95 DOUBLE, mad DOUBLE, rolling_q90 DOUBLE, rolling_iqr DOUBLE,
    skew DOUBLE, kurtosis DOUBLE, entropy DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = 'out/statistics.csv', 'format' = 'csv');

INSERT INTO amounts
SELECT ew_mean(Amount, 0.1E0) OVER w, ew_var(Amount, 0.1E0) OVER w, p2_quantile(Amount, 0.5E0) OVER w,
  p2_quantile(Amount, 0.95E0) OVER w, mad(Amount) OVER w, exact_quantile(Amount, 0.9E0) OVER last100,
  exact_quantile(Amount, 0.75E0) OVER last100 - exact_quantile(Amount, 0.25E0) OVER last100,
  skew(Amount) OVER w, kurtosis(Amount) OVER w,
  entropy(CASE WHEN Amount < 5 THEN 'small' WHEN Amount < 50 THEN 'middle' ELSE 'large' END, 1E0) OVER w
FROM payments
WINDOW w AS (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
  last100 AS (ORDER BY ts ROWS BETWEEN 99 PRECEDING AND CURRENT ROW);
