-- OVER of an aggregate of the same SELECT.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, SUM(SUM(v)) OVER (PARTITION BY k ORDER BY ts)
FROM o GROUP BY id, k, ts;
