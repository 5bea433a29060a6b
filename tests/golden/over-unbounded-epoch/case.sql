-- Rows at the epoch are in time for an unbounded frame.
CREATE TABLE e (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, SUM(v) OVER w
FROM e
WINDOW w AS (PARTITION BY k ORDER BY ts);
