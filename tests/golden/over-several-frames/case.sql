-- Several frames and partitions in one SELECT, in event time; rows of one time see each other in RANGE, not in ROWS.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER a, SUM(v) OVER a, ROUND(AVG(d) OVER a, 9), MAX(v) OVER b, SUM(m) OVER b, COUNT(*) OVER c, MIN(s) OVER c, SUM(v) OVER e
FROM t WINDOW a AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW), b AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW), c AS (PARTITION BY s ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW), e AS (PARTITION BY k ORDER BY ts);
