-- What the job of fraud.sql found, from the tables that it wrote. Run from this folder after it.

CREATE TABLE days (
  trans_ts TIMESTAMP(3), score DOUBLE, is_fraud INT,
  WATERMARK FOR trans_ts AS trans_ts
) WITH ('connector' = 'filesystem', 'path' = 'out/scored.csv', 'format' = 'csv', 'csv.header' = 'true');

SELECT COUNT(*) AS payments,
  COUNT(*) FILTER (WHERE score >= 0.5) AS alerts,
  COUNT(*) FILTER (WHERE score >= 0.5 AND is_fraud = 1) AS alerts_that_are_frauds,
  COUNT(*) FILTER (WHERE is_fraud = 1) AS frauds
FROM TABLE(TUMBLE(TABLE days, DESCRIPTOR(trans_ts), INTERVAL '10000' DAY))
GROUP BY window_start, window_end;
