-- Rows that came too late for the sessions of a SESSION function go where LATE ROWS INTO says.
CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE too_late (id INT, k STRING) WITH ('connector' = 'blackhole');
SELECT id, 'kept' FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND))
LATE ROWS INTO too_late;
