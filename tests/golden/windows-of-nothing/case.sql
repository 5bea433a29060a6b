CREATE TABLE nothing (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/empty.jsonl', 'format' = 'json');
SELECT COUNT(*), window_end, window_start
FROM TABLE(TUMBLE(TABLE nothing, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_end, window_start;
SELECT k, window_start, window_end, COUNT(*)
FROM TABLE(SESSION(TABLE nothing PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY k, window_start, window_end;
