CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT k, SESSION_START(ts, INTERVAL '3' SECOND), SESSION_END(ts, INTERVAL '3' SECOND), COUNT(*), MAX(amount) FROM t GROUP BY k, SESSION(ts, INTERVAL '3' SECOND);
