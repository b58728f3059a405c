CREATE TABLE m (id INTEGER PRIMARY KEY, p DECIMAL(10, 2), q NUMERIC(38, 0));
INSERT INTO m VALUES (1, 1.005, 12345678901234567890123456789012345678), (2, '-1.994', -1), (3, NULL, NULL), (4, 99999999.99, 0);
SELECT * FROM m ORDER BY id;
INSERT INTO m (id, p) VALUES (5, 100000000);
INSERT INTO m (id, p) VALUES (5, 'x');
INSERT INTO m (id, p) VALUES (6, 99999999.995);
INSERT INTO m (id, p) VALUES (7, 2.5::float8);
SELECT id, p + 1, p * 2, p - 0.01 FROM m ORDER BY id;
SELECT p / 3 FROM m WHERE id = 4;
SELECT p / 0 FROM m WHERE id = 1;
SELECT p % 0.3 FROM m WHERE id = 4;
-- differs: a DECIMAL has at most 38 digits
SELECT q * q FROM m WHERE id = 1;
SELECT sum(p), min(p), max(p), count(p) FROM m;
SELECT avg(p) FROM m;
SELECT id FROM m WHERE p = 1.01;
SELECT id FROM m WHERE p > 1 ORDER BY p;
-- differs: a literal with a fraction is a float, and 1.005 less than that
SELECT round(2.5), round(-2.5), round(1.005, 2), trunc(1.999, 1), floor(-1.5), ceil(1.2);
SELECT 1.5::int, 1.5::text, '1.50'::decimal(5, 1), 1.25::numeric(3, 1);
SELECT 123.45::numeric(4, 2);
-- differs: literals with a fraction are floats
SELECT 0.1 + 0.2 = 0.3;
SELECT 1.0 / 3;
SELECT abs(-1.5), sign(-1.5), mod(5.5, 2);
UPDATE m SET p = p * 1.1 WHERE id = 1 RETURNING p;
CREATE TABLE mk (k DECIMAL(6, 3) PRIMARY KEY, v TEXT);
INSERT INTO mk VALUES (1.5, 'a'), (1.500, 'b');
INSERT INTO mk VALUES (1.5, 'a') ON CONFLICT (k) DO UPDATE SET v = 'c' RETURNING *;
-- differs: a DECIMAL has no more digits behind the point than all
CREATE TABLE bad (id INTEGER PRIMARY KEY, p DECIMAL(2, 5));
CREATE TABLE bad2 (id INTEGER PRIMARY KEY, p DECIMAL(0));
