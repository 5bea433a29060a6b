CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT window_start, window_end, COUNT(*), SUM(v)
FROM TABLE(CUMULATE(TABLE early, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE, INTERVAL '7' SECOND))
GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v)
FROM TABLE(CUMULATE(TABLE early, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
