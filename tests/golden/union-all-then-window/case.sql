CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE VIEW u AS SELECT ts, n, 'low' AS src FROM t WHERE n < 5 UNION ALL SELECT ts, n, 'high' FROM t WHERE n >= 5;
SELECT window_start, src, COUNT(*), SUM(n) FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end, src;
