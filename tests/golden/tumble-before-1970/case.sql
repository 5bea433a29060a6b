CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT k, window_start, window_end, COUNT(*), SUM(v)
FROM TABLE(TUMBLE(TABLE early, DESCRIPTOR(ts), INTERVAL '15' SECOND)) GROUP BY k, window_start, window_end;
SELECT k, COUNT(DISTINCT v), TUMBLE_START(ts, INTERVAL '20' SECOND), TUMBLE_ROWTIME(ts, INTERVAL '20' SECOND) FROM early
GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND) HAVING COUNT(*) > 1;
