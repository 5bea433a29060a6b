CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
SELECT k, s2, window_start
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end
ORDER BY s2 DESC) AS rn FROM (SELECT k, window_start, window_end, SUM(v) AS s2
FROM TABLE(SESSION(TABLE visits PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY k, window_start, window_end)) WHERE rn <= 2;
