SELECT auction, price, bidder, "dateTime", extra FROM bid
QUALIFY row_number() OVER (PARTITION BY time_bucket(INTERVAL 10 SECOND, "dateTime") ORDER BY price DESC) = 1;
