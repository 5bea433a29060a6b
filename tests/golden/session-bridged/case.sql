CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
SELECT k, window_start, window_end, window_time, COUNT(*), SUM(v)
FROM TABLE(SESSION(TABLE visits PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY k, window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(*), SUM(v)
FROM TABLE(SESSION(TABLE visits, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
