-- q1, currency conversion: every price in euros.
SELECT auction, bidder, 0.908 * price AS price, `dateTime`, extra FROM bid;
