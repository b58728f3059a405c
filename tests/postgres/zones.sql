CREATE TABLE z (id INTEGER PRIMARY KEY, at TIMESTAMPTZ);
INSERT INTO z VALUES (1, '2024-02-29 12:00:00+02'), (2, '2024-02-29 12:00:00Z'), (3, '2024-02-29 12:00:00'), (4, NULL), (5, '2024-02-29T12:00:00.123456-05:30');
INSERT INTO z VALUES (6, 'soon');
SELECT * FROM z ORDER BY id;
SELECT id FROM z WHERE at = '2024-02-29 10:00:00+00';
SELECT id FROM z WHERE at < '2024-02-29 12:00:00+00' ORDER BY id;
-- differs: AT TIME ZONE answers an instant in another zone, in PostgreSQL a TIMESTAMP
SELECT id, at AT TIME ZONE 'UTC' FROM z ORDER BY id;
SELECT id, at::timestamp, at::date FROM z ORDER BY id;
SELECT id, at::text FROM z ORDER BY id;
SELECT at + INTERVAL '1 day' FROM z ORDER BY id;
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(hour FROM at), date_trunc('hour', at) FROM z ORDER BY id;
SELECT '2024-02-29 12:00:00+02'::timestamptz, TIMESTAMP '2024-02-29 12:00:00'::timestamptz;
SELECT min(at), max(at) FROM z;
SELECT '2024-02-29 12:00:00'::timestamptz = TIMESTAMP '2024-02-29 12:00:00';
