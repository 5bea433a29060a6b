-- ORDER BY a time attribute and another column; late rows are dropped.
CREATE TABLE t (
  id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, k, ts
FROM t ORDER BY ts, id DESC;
