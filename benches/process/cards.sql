CREATE VIEW cards AS SELECT cc_num, trans_ts, amt AS amount FROM payments;
