CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE early, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE early, DESCRIPTOR(ts), INTERVAL '01:30' MINUTE TO SECOND)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE early, DESCRIPTOR(ts), INTERVAL '0.5' SECOND)) GROUP BY window_start, window_end;
