-- Integer arithmetic: what does not fit fails.
CREATE TABLE n (id INTEGER PRIMARY KEY, s SMALLINT, i INTEGER, b BIGINT);
INSERT INTO n VALUES (1, 32767, 2147483647, 9223372036854775807), (2, -32768, -2147483648, -9223372036854775808), (3, 0, 0, 0), (4, NULL, NULL, NULL), (5, 7, 7, 7), (6, -7, -7, -7);
SELECT id, s, i, b FROM n ORDER BY id;
SELECT id, i / 2, i % 2 FROM n WHERE id IN (5, 6) ORDER BY id;
SELECT id, b / -2, b % -2 FROM n WHERE id IN (5, 6) ORDER BY id;
-- differs: a literal integer is BIGINT, and so is what it is added to
SELECT i + 1 FROM n WHERE id = 1;
SELECT b + 1 FROM n WHERE id = 1;
-- differs: a literal integer is BIGINT, and so is what it is taken from
SELECT i - 1 FROM n WHERE id = 2;
SELECT b - 1 FROM n WHERE id = 2;
SELECT b * 2 FROM n WHERE id = 1;
SELECT -b FROM n WHERE id = 2;
SELECT -b FROM n WHERE id = 1;
SELECT abs(b) FROM n WHERE id = 2;
SELECT abs(b) FROM n WHERE id = 6;
SELECT b / 0 FROM n WHERE id = 5;
SELECT b % 0 FROM n WHERE id = 5;
SELECT b / s FROM n WHERE id = 3;
SELECT b / NULL FROM n WHERE id = 5;
SELECT b / 0 FROM n WHERE id = 4;
SELECT b / -1 FROM n WHERE id = 2;
SELECT b % -1 FROM n WHERE id = 2;
SELECT 1 / 0;
SELECT 1 % 0;
SELECT 9223372036854775807 + 1;
SELECT -9223372036854775808;
-- differs: a literal integer is BIGINT
SELECT 2147483647 + 1;
-- differs: a literal integer past BIGINT has no sign, PostgreSQL takes it for NUMERIC
SELECT 9223372036854775808;
SELECT 3000000000 * 3000000000;
SELECT 3000000000 * 3000000001 * 2;
INSERT INTO n (id, s) VALUES (7, 32768);
INSERT INTO n (id, i) VALUES (7, 2147483648);
INSERT INTO n (id, b) VALUES (7, 9223372036854775808);
INSERT INTO n (id, s) VALUES (7, 1.5);
SELECT id, s FROM n WHERE id = 7;
UPDATE n SET s = s + 1 WHERE id = 1;
UPDATE n SET s = s + 1 WHERE id = 5;
SELECT s FROM n WHERE id = 5;
SELECT sum(i) FROM n WHERE id < 5;
SELECT sum(s), count(s), count(*), min(i), max(b) FROM n;
SELECT avg(i) FROM n WHERE id IN (3, 5, 6);
SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7 % -3;
SELECT 5 & 3, 5 | 3, 5 # 3, 1 << 4, 256 >> 4;
SELECT ~5;
SELECT +5, - -5;
SELECT gcd(12, 18), lcm(4, 6);
SELECT mod(7, 3), mod(-7, 3);
SELECT greatest(1, 2, NULL), least(1, 2, NULL), greatest(NULL, NULL);
SELECT sign(-3), power(2, 10), sqrt(16);
SELECT sqrt(-1);
SELECT ln(0);
SELECT power(0, -1);
-- differs: factorial answers BIGINT, PostgreSQL NUMERIC
SELECT factorial(5);
