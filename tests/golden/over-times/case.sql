-- MIN, MAX, FIRST_VALUE and LAST_VALUE of timestamps.
CREATE TABLE o (
  id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, FIRST_VALUE(ts) OVER w, LAST_VALUE(ts) OVER w, MIN(ts) OVER w, MAX(ts) OVER w
FROM o
WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW);
