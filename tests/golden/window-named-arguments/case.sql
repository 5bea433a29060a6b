CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/early.jsonl', 'format' = 'json');
SELECT *
FROM TABLE(HOP(DATA => TABLE early, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '30' SECOND, SIZE => INTERVAL '1' MINUTE)) WHERE v > 5;
SELECT window_end, COUNT(*)
FROM TABLE(CUMULATE(DATA => TABLE early, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '30' SECOND, SIZE => INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
SELECT window_end, COUNT(*)
FROM TABLE(SESSION(DATA => TABLE visits PARTITION BY k, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '30' SECOND))
GROUP BY window_start, window_end, k;
