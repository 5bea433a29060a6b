SELECT window_start, MAX(price) FROM TABLE(HOP(DATA => TABLE bids, TIMECOL => DESCRIPTOR(at), SLIDE => INTERVAL '5' MINUTES, SIZE => INTERVAL '10' MINUTES)) GROUP BY window_start, window_end;
SELECT window_end, GROUPING(channel), AVG(price) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(at), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES)) GROUP BY window_start, window_end, GROUPING SETS ((channel), (bidder), ());
SELECT window_start, bidder, COUNT(*) FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(at), INTERVAL '5' MINUTES)) GROUP BY window_start, window_end, CUBE (bidder);
SELECT TUMBLE_START(at, INTERVAL '1' HOUR), TUMBLE_ROWTIME(at, INTERVAL '1' HOUR), COUNT(*) FROM bids GROUP BY TUMBLE(at, INTERVAL '1' HOUR), ROLLUP (channel)
