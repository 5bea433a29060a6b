SELECT b.auction, u.name, COALESCE(u.city, 'none') FROM bids AS b LEFT JOIN users FOR SYSTEM_TIME AS OF PROCTIME() AS u ON b.bidder = u.id AND u.city <> 'x';
SELECT n.id, x, y FROM nested AS n CROSS JOIN UNNEST(n.l) AS t (x, y); SELECT id, e.k, e.v FROM nested, UNNEST(m) AS e (k, v);
SELECT a.auction FROM bids a JOIN bids b ON a.auction = b.auction AND a.at BETWEEN b.at - INTERVAL '1' HOUR AND b.at
