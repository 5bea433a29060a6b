CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
SELECT k, v, ts, window_start, window_end, window_time
FROM TABLE(SESSION(TABLE visits PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND));
SELECT k, v, ts, window_start, window_end FROM TABLE(SESSION(TABLE visits, DESCRIPTOR(ts), INTERVAL '5' SECOND));
