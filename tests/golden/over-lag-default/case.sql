-- LAG with an offset and a default, without a partition.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, LAG(v, 3, -1) OVER (ORDER BY ts)
FROM o;
