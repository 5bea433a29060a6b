SELECT * FROM quiet(input => TABLE cards PARTITION BY cc_num ORDER BY trans_ts);
