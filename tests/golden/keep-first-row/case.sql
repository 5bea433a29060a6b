CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS r FROM t) WHERE r = 1;
