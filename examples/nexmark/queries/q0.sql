-- q0, pass through: what reading and handing on costs.
SELECT auction, bidder, price, `dateTime`, extra FROM bid;
