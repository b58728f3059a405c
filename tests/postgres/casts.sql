-- Casts, those that fail included.
SELECT '42'::int, ' 42 '::int, '-7'::bigint, '+7'::smallint;
SELECT ''::int;
SELECT 'abc'::int;
SELECT '1.5'::int;
SELECT '99999999999'::int;
SELECT '40000'::smallint;
SELECT 40000::smallint;
SELECT 3000000000::int;
SELECT CAST('12' AS BIGINT), CAST(NULL AS INT);
SELECT 1::text, 1.5::text, true::text, NULL::text;
SELECT 'true'::boolean, 'f'::boolean, 'yes'::boolean, 'off'::boolean, '1'::boolean, '0'::boolean;
SELECT 'maybe'::boolean;
SELECT ''::boolean;
SELECT 1::boolean, 0::boolean, 2::boolean;
SELECT true::int, false::int;
-- differs: PostgreSQL casts BOOLEAN to INTEGER only
SELECT true::bigint;
-- differs: any number is cast to BOOLEAN here, in PostgreSQL only an INTEGER
SELECT 1.5::boolean;
-- differs: a literal with a fraction is a float here, and a tie goes to the even number; NUMERIC rounds away from zero
SELECT 1.5::int, 2.5::int, -1.5::int, 1.4::int;
SELECT '2024-02-29'::date, '2024-2-9'::date;
SELECT '2023-02-29'::date;
SELECT '2024-13-01'::date;
SELECT 'today is'::date;
SELECT '2024-02-29 12:34:56'::timestamp, '2024-02-29'::timestamp, '2024-02-29 12:34:56.789'::timestamp;
SELECT '2024-02-29 25:00:00'::timestamp;
SELECT '2024-02-29T12:34:56'::timestamp;
SELECT '2024-02-29 12:34:56'::timestamp::date;
SELECT '2024-02-29'::date::timestamp;
SELECT '2024-02-29 12:34:56'::timestamp::text, '2024-02-29'::date::text;
SELECT '2024-02-29 12:34:56.5'::timestamp::text;
-- differs: a number is cast to DATE as days since 1970
SELECT 1::date;
-- differs: a DATE is cast to the days since 1970
SELECT '2024-01-01'::date::int;
SELECT '\xdeadbeef'::bytea;
SELECT '\xzz'::bytea;
SELECT 'abc'::bytea;
SELECT '\x616263'::bytea = 'abc'::bytea;
SELECT 1 = '1';
SELECT 1 = 'x';
-- differs: a quoted literal is TEXT; PostgreSQL lets it be what the other operand is
SELECT '1' + 1;
SELECT 'a' + 1;
SELECT 1 || 'a', 'a' || 1, 1.5 || '';
SELECT 1 || 2;
SELECT true AND 1;
SELECT NOT 1;
SELECT 1 WHERE 1;
-- differs: a number beside text becomes text
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
SELECT CASE WHEN true THEN 1 ELSE 2.5 END;
SELECT COALESCE(NULL, 1, 2), COALESCE(NULL, 'a');
SELECT COALESCE(1, 'a');
-- differs: a number beside text becomes text
SELECT 1 UNION SELECT 'a';
SELECT 1 UNION ALL SELECT 1.5;
SELECT '1'::int + '2'::int;
SELECT INT '5', DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00', BOOLEAN 'true';
SELECT 1::nosuchtype;
SELECT 'abc'::varchar, 'abc'::text;
SELECT 9223372036854775807::float8;
SELECT 123456789::real;
SELECT 1e3::int;
CREATE TABLE c (id INTEGER PRIMARY KEY, s SMALLINT, i INTEGER, t TEXT, b BOOLEAN, d DATE, ts TIMESTAMP, y BYTEA);
INSERT INTO c (id, i) VALUES (1, '12');
INSERT INTO c (id, i) VALUES (2, 'twelve');
INSERT INTO c (id, t) VALUES (3, 12);
INSERT INTO c (id, b) VALUES (4, 'yes'), (5, 'f');
INSERT INTO c (id, b) VALUES (6, 1);
INSERT INTO c (id, d) VALUES (7, '2024-06-01');
INSERT INTO c (id, d) VALUES (8, 20240601);
INSERT INTO c (id, ts) VALUES (9, '2024-06-01'), (10, '2024-06-01 10:20:30.123456');
INSERT INTO c (id, ts) VALUES (11, DATE '2024-06-01');
INSERT INTO c (id, d) VALUES (12, TIMESTAMP '2024-06-01 23:59:59');
INSERT INTO c (id, y) VALUES (13, '\x00ff'), (14, 'raw');
INSERT INTO c (id, i) VALUES (15, 1.6), (16, -1.6);
INSERT INTO c (id, i) VALUES (17, 1.5::float8), (18, 2.5::float8);
INSERT INTO c (id, i) VALUES (19, true);
SELECT * FROM c ORDER BY id;
UPDATE c SET t = 5 WHERE id = 1;
UPDATE c SET i = 'x' WHERE id = 1;
SELECT id FROM c WHERE d = '2024-06-01';
SELECT id FROM c WHERE d > 'x';
SELECT id FROM c WHERE ts = '2024-06-01' ORDER BY id;
-- differs: a number beside text becomes text
SELECT id FROM c WHERE t = 12;
-- differs: a quoted literal is TEXT, and is not compared with BOOLEAN
SELECT id FROM c WHERE b = 'yes';
SELECT id FROM c WHERE i = 'x';
