CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT k, COUNT(*), SUM(n), MAX(amount), COUNT(DISTINCT n) FROM t WHERE n IS NOT NULL GROUP BY k;
