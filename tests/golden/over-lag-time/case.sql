-- LAG of the time itself, and the seconds since then.
CREATE TABLE o (
  id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, LAG(ts, 1) OVER (PARTITION BY k ORDER BY ts), TIMESTAMPDIFF(SECOND, LAG(ts, 1) OVER (PARTITION BY k ORDER BY ts), ts)
FROM o;
