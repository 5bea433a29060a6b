-- A further condition over both sides, and a key that is an expression.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE dim (k STRING, name STRING, w INT) WITH ('connector' = 'filesystem', 'path' = '{DIR}/dim.jsonl', 'format' = 'json');
SELECT t.id, x.name FROM t LEFT JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS x ON UPPER(t.k) = UPPER(x.k) AND t.v >= x.w WHERE t.v IS NOT NULL;
