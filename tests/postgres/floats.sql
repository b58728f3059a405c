-- Floating point: REAL and DOUBLE PRECISION.
CREATE TABLE f (id INTEGER PRIMARY KEY, r REAL, d DOUBLE PRECISION);
INSERT INTO f VALUES (1, 0.5, 0.5), (2, 1e10, 1e300), (3, 'NaN', 'NaN'), (4, 'Infinity', '-Infinity'), (5, NULL, NULL), (6, 0, 0), (7, 0.1, 0.1);
SELECT id, r, d FROM f ORDER BY id;
SELECT id FROM f WHERE d = 'NaN'::float8;
SELECT id FROM f ORDER BY d, id;
SELECT id FROM f ORDER BY d DESC, id;
SELECT id FROM f WHERE d > 1e308;
SELECT d / 0 FROM f WHERE id = 1;
SELECT d / 0.0 FROM f WHERE id = 6;
SELECT d * 1e10 FROM f WHERE id = 2;
SELECT d * 1e300 FROM f WHERE id = 2;
SELECT max(d), min(d) FROM f;
SELECT sum(d) FROM f WHERE id IN (1, 6, 7);
SELECT avg(d), count(d) FROM f WHERE id IN (1, 6, 7);
-- differs: a tie is rounded away from zero, PostgreSQL takes the even number
SELECT round(2.5::float8), round(3.5::float8), round(-2.5::float8);
SELECT round(2.4::float8), round(2.6::float8), floor(-2.5::float8), ceil(-2.5::float8), trunc(-2.7::float8);
SELECT 0.1::float8 + 0.2::float8;
SELECT 1e0::float8 / 3;
SELECT 1e400::float8;
SELECT 'x'::float8;
SELECT '  1.5 '::float8;
-- differs: text past the range is read as Infinity
SELECT '1e400'::float8;
-- differs: % of floats is there, PostgreSQL has it for NUMERIC only
SELECT 1.5::float8 % 1;
SELECT 16777217::real;
SELECT 0.1::real::float8;
SELECT 1.5::float8::int, 2.5::float8::int, -1.5::float8::int;
SELECT 1e10::float8::int;
SELECT 'NaN'::float8::int;
SELECT 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e308::float8;
SELECT -0.0::float8 = 0.0::float8;
SELECT exp(1.0::float8), ln(10.0::float8), log(100.0::float8), pi();
SELECT sin(0.0::float8), cos(0.0::float8), atan2(1.0::float8, 1.0::float8), degrees(pi()), radians(180.0::float8);
SELECT cbrt(27.0::float8), exp(1000.0::float8);
INSERT INTO f (id, r) VALUES (8, 1e40);
-- differs: text past the range is read as Infinity
INSERT INTO f (id, d) VALUES (8, '1e400');
