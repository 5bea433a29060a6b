-- ORDER BY with LIMIT and OFFSET on a stream.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, k, v
FROM o ORDER BY v DESC, id LIMIT 5 OFFSET 2;
