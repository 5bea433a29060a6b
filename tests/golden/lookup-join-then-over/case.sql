-- A joined column decides the partition of an OVER on arrival.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE TABLE dim (k STRING, name STRING, w INT) WITH ('connector' = 'filesystem', 'path' = '{DIR}/dim.jsonl', 'format' = 'json');
CREATE VIEW names AS SELECT k, name FROM dim WHERE w < 3;
SELECT id, name, COUNT(*) OVER (PARTITION BY name ORDER BY ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW)
FROM (SELECT t.id, t.ts, x.name FROM t JOIN names FOR SYSTEM_TIME AS OF PROCTIME() AS x ON t.k = x.k)
EMIT ON ARRIVAL;
