CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
CREATE TABLE others (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/others.jsonl', 'format' = 'json');
SELECT window_start, k, c FROM (SELECT k, window_start, window_end, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end
UNION ALL SELECT k, window_start, window_end, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE others, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end);
SELECT window_start, window_end, SUM(c) FROM (SELECT k, window_start, window_end, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end
UNION ALL SELECT k, window_start, window_end, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE others, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end) GROUP BY window_start, window_end;
