CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT window_start, window_end, COUNT(*) FROM HOP(TABLE early, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '1' MINUTE)
GROUP BY window_start, window_end;
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE((SELECT * FROM early WHERE v > 0), DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
