-- The same expression at several places of a query: in WHERE, in branches that are taken by some rows only, in larger ones.
CREATE TABLE t (
  id INT, a STRING, b STRING, x DOUBLE, d STRING
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, CASE WHEN LOWER(a) = 'apple' THEN 'fruit' WHEN LOWER(a) = 'leek' THEN UPPER(LOWER(a)) ELSE REGEXP_EXTRACT(b, '(&|^)id=([^&]*)', 2) END AS kind,
  CHAR_LENGTH(LOWER(a)) AS n
FROM t WHERE LOWER(a) <> 'nut' OR REGEXP_EXTRACT(b, '(&|^)id=([^&]*)', 2) IS NOT NULL;
-- Only rows that pass WHERE, or reach the branch, may be cast.
SELECT id, CAST(d AS INT) + 1 AS more, CAST(d AS INT) * CAST(d AS INT) AS squared FROM t WHERE d <> 'none';
SELECT id, CASE WHEN d = 'none' THEN -1 ELSE CAST(d AS INT) END AS v, CASE WHEN d = 'none' THEN -2 ELSE CAST(d AS INT) * 2 END AS w FROM t;
SELECT SUBSTRING(UPPER(a) FROM 2) || UPPER(a) AS s, SUBSTRING(UPPER(a) FROM 2) AS u, COALESCE(b, UPPER(a)) AS c FROM t WHERE SQRT(x) > 1 AND SQRT(x) < 3;
