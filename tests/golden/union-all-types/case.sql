-- UNION ALL of INT and DOUBLE.
CREATE TABLE o (
  id INT, v INT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT v, s FROM o UNION ALL SELECT d, s FROM o;
