CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT window_start, window_end, COUNT(*), SUM(v)
FROM TABLE(HOP(TABLE early, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
SELECT k, window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v), COUNT(DISTINCT v)
FROM TABLE(HOP(TABLE early, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND, INTERVAL '3' SECOND))
GROUP BY k, window_start, window_end;
