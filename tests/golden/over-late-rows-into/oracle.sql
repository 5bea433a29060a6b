WITH t AS (SELECT * FROM read_json('{DIR}/in.jsonl', format = 'newline_delimited', columns = {id: 'INT', k: 'VARCHAR', v: 'INT', d: 'DOUBLE', m: 'DECIMAL(10, 2)', s: 'VARCHAR', ts: 'TIMESTAMP'})), u AS (SELECT *, coalesce(max(ts) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TIMESTAMP '1970-01-01') - INTERVAL 1 MINUTE AS mark FROM t), kept AS (SELECT * FROM u WHERE ts > mark)
SELECT id, k, count(*) OVER w, sum(v) OVER w, NULL, NULL, ts FROM kept WINDOW w AS (PARTITION BY k ORDER BY ts)
UNION ALL SELECT id, k, v, d, m, s, ts FROM u WHERE NOT ts > mark
