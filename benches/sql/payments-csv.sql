-- {rows} card payments of 5,000 cards over 30 days in {path}, with the card holder's home.
CREATE TABLE numbers (i BIGINT, card INT, cents INT, lat DOUBLE, lon DOUBLE) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000000', 'number-of-rows' = '{rows}',
  'fields.i.kind' = 'sequence', 'fields.i.start' = '0', 'fields.i.end' = '1000000000',
  'fields.card.min' = '0', 'fields.card.max' = '4999', 'fields.cents.min' = '100', 'fields.cents.max' = '50000',
  'fields.lat.min' = '-1', 'fields.lat.max' = '1', 'fields.lon.min' = '-1', 'fields.lon.max' = '1');
CREATE TABLE payments (tx_id BIGINT, trans_ts TIMESTAMP(3), cc_num STRING, amt DOUBLE, merch_lat DOUBLE, merch_long DOUBLE,
  home_lat DOUBLE, home_long DOUBLE)
WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
INSERT INTO payments
SELECT i, CAST(TO_TIMESTAMP_LTZ(1577836800000 + i * (2592000000 / {rows}), 3) AS TIMESTAMP(3)),
  '492900' || LPAD(CAST(card AS STRING), 6, '0'), cents / CAST(100 AS DOUBLE),
  ROUND(25 + MOD(card, 20) + lat, 4), ROUND(MOD(card, 40) - 120 + lon, 4),
  CAST(25 + MOD(card, 20) AS DOUBLE), CAST(MOD(card, 40) - 120 AS DOUBLE)
FROM numbers;
