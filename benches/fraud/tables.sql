CREATE TABLE payments (
  tx_id BIGINT, trans_ts TIMESTAMP(3), cc_num STRING, amt DOUBLE, merch_lat DOUBLE, merch_long DOUBLE, home_lat DOUBLE,
  home_long DOUBLE, WATERMARK FOR trans_ts AS trans_ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{payments}', 'format' = 'csv');
