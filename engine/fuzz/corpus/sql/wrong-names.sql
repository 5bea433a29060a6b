SELECT nam FROM users; SELECT UPER(name) FROM users; SELECT * FROM user; SELECT u.x.y.z FROM users u; INSERT INTO results SELECT 1
