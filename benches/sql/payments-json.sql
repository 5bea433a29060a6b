-- {rows} payments as JSON lines of about 125 bytes, in {path}.
CREATE TABLE numbers (tx_id BIGINT, card INT, merchant INT, cents INT, lat DOUBLE) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000000', 'number-of-rows' = '{rows}',
  'fields.tx_id.kind' = 'sequence', 'fields.tx_id.start' = '0', 'fields.tx_id.end' = '1000000000',
  'fields.card.min' = '0', 'fields.card.max' = '9999', 'fields.merchant.min' = '10000', 'fields.merchant.max' = '99999',
  'fields.cents.min' = '100', 'fields.cents.max' = '50000', 'fields.lat.min' = '-60', 'fields.lat.max' = '60');
CREATE TABLE payments (tx_id BIGINT, card STRING, merchant STRING, amount DOUBLE, ts TIMESTAMP(3), lat DOUBLE, online BOOLEAN)
WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json');
INSERT INTO payments
SELECT tx_id, '492900' || LPAD(CAST(card AS STRING), 6, '0') AS card, 'm' || CAST(merchant AS STRING) AS merchant,
  cents / CAST(100 AS DOUBLE) AS amount, CAST(TO_TIMESTAMP_LTZ(1577836800000 + tx_id, 3) AS TIMESTAMP(3)) AS ts,
  ROUND(lat, 4) AS lat, MOD(tx_id, 2) = 0 AS online
FROM numbers;
