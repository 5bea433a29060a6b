-- A SESSION function under a grouping by other columns stays an operator of its own; its late rows are the query's.
CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE too_late (n INT, id INT) WITH ('connector' = 'blackhole');
SELECT COUNT(*), -SUM(n) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND))
GROUP BY window_start, window_end
LATE ROWS INTO too_late;
