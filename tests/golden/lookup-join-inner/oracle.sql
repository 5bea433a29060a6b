WITH t AS (SELECT * FROM read_json('{DIR}/in.jsonl', format = 'newline_delimited', columns = {id: 'INT', k: 'VARCHAR', v: 'INT', d: 'DOUBLE', m: 'DECIMAL(10, 2)', s: 'VARCHAR', ts: 'TIMESTAMP'})), dim AS (SELECT * FROM read_json('{DIR}/dim.jsonl', format = 'newline_delimited', columns = {k: 'VARCHAR', name: 'VARCHAR', w: 'INT'}))
SELECT t.id, x.name, x.w FROM t JOIN dim x ON t.k = x.k
