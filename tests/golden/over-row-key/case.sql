-- A partition by a ROW.
CREATE TABLE t (
  id INT, r ROW<x INT, y STRING>, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, SUM(v) OVER (PARTITION BY r ORDER BY ts)
FROM t;
