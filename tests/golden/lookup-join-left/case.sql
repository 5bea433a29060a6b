-- Rows without a match come out with NULLs.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE dim (k STRING, name STRING, w INT) WITH ('connector' = 'filesystem', 'path' = '{DIR}/dim.jsonl', 'format' = 'json');
SELECT t.id, t.k, x.name, x.w + t.v FROM t LEFT JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS x ON t.k = x.k AND x.w > 1;
