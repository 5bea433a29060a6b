CREATE TABLE t (
  id INT, ts TIMESTAMP(3), k STRING, n INT, amount DOUBLE, price DECIMAL(8, 2), tags ARRAY<STRING>,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, CASE WHEN n > 5 THEN 'many' WHEN n IS NULL THEN 'none' ELSE 'few' END, COALESCE(k, '?') || '-' || CAST(n AS STRING), n / 2, MOD(n, 3), price * 2, amount > 50 OR n > 8, tags[1], CARDINALITY(tags), NULLIF(k, 'a') FROM t WHERE id < 25;
