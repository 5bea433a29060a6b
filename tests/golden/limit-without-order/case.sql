-- LIMIT without an order takes the rows that come first.
CREATE TABLE o (
  id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id
FROM o LIMIT 3;
