SELECT * FROM quiet(input => TABLE cards PARTITION BY cc_num, on_time => DESCRIPTOR(trans_ts), uid => 'quiet');
