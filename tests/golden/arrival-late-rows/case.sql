-- A row that lies behind the watermark by more than the frame is late, and goes where LATE ROWS INTO says.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE too_late (id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
SELECT id, k, COUNT(*) OVER w, SUM(v) OVER w, CAST(NULL AS INT), CAST(NULL AS INT), ts
FROM t WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW)
EMIT ON ARRIVAL LATE ROWS INTO too_late;
