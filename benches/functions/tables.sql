CREATE TABLE payments (tx_id BIGINT, amount DOUBLE, lat DOUBLE)
WITH ('connector' = 'filesystem', 'path' = '{payments}', 'format' = 'json');
