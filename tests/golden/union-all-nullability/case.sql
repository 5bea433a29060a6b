-- UNION ALL of columns that differ in nullability, and a constant row.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, v FROM o UNION ALL SELECT 1, CAST(NULL AS INT) UNION ALL SELECT v, id FROM o;
