-- In event time, rows at or before the watermark are late for an unbounded frame; LATE ROWS INTO keeps them.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE too_late (id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
SELECT id, k, COUNT(*) OVER w, SUM(v) OVER w, CAST(NULL AS INT), CAST(NULL AS INT), ts
FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)
LATE ROWS INTO too_late;
