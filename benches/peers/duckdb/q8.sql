SELECT id, max(name) AS name, w AS starttime
FROM (
  SELECT CASE event_type WHEN 0 THEN person.id ELSE auction.seller END AS id, person.name AS name,
    time_bucket(INTERVAL 10 SECOND, CASE event_type WHEN 0 THEN person."dateTime" ELSE auction."dateTime" END) AS w
  FROM events WHERE event_type < 2)
GROUP BY id, w HAVING count(name) > 0 AND count(*) > count(name);
