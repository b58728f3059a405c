CREATE TABLE c (id INTEGER PRIMARY KEY, at TIME);
INSERT INTO c VALUES (1, '12:34:56'), (2, '00:00'), (3, '23:59:59.999999'), (4, NULL);
INSERT INTO c VALUES (5, '25:00');
INSERT INTO c VALUES (5, 'noonish');
SELECT * FROM c ORDER BY at, id;
SELECT id FROM c WHERE at > '12:00' ORDER BY id;
SELECT '12:34:56'::time::text, TIMESTAMP '2024-01-01 10:20:30'::time;
SELECT at + INTERVAL '1 hour' FROM c ORDER BY id;
SELECT TIME '10:00' - TIME '09:00' = INTERVAL '1 hour';
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(hour FROM at), extract(minute FROM at) FROM c ORDER BY id;
SELECT min(at), max(at) FROM c;
