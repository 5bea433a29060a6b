-- {rows} rows of a key, a time and a value, in {path}: a row every {pace} ms, {keys} keys.
CREATE TABLE numbers (i BIGINT, k BIGINT, v DOUBLE) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000000', 'number-of-rows' = '{rows}',
  'fields.i.kind' = 'sequence', 'fields.i.start' = '0', 'fields.i.end' = '1000000000',
  'fields.k.min' = '1', 'fields.k.max' = '{keys}', 'fields.v.min' = '0', 'fields.v.max' = '1000');
CREATE TABLE keyed (k BIGINT, t TIMESTAMP(3), v DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet');
INSERT INTO keyed SELECT k, CAST(TO_TIMESTAMP_LTZ(1577836800000 + i * {pace}, 3) AS TIMESTAMP(3)) AS t, v FROM numbers;
