-- Dates, timestamps and intervals.
SELECT DATE '2024-02-28' + 1, DATE '2024-03-01' - 1, DATE '2024-03-01' - DATE '2024-02-01';
-- differs: a DATE and an INTERVAL are a DATE
SELECT DATE '2024-01-31' + INTERVAL '1 month', DATE '2024-01-31' + INTERVAL '1 day';
SELECT TIMESTAMP '2024-01-31 12:00:00' + INTERVAL '1 month', TIMESTAMP '2024-03-31 12:00:00' - INTERVAL '1 month';
SELECT TIMESTAMP '2024-01-01 00:00:00' + INTERVAL '90 minutes', TIMESTAMP '2024-01-01 00:00:00' - INTERVAL '1 second';
SELECT TIMESTAMP '2024-02-29 00:00:00' + INTERVAL '1 year';
-- differs: intervals are compared by months, days and time, without carrying hours into days
SELECT INTERVAL '1 day' + INTERVAL '2 hours' = INTERVAL '26 hours';
-- differs: the difference of timestamps is a duration, which is not the same as an interval of days
SELECT TIMESTAMP '2024-01-02 00:00:00' - TIMESTAMP '2024-01-01 00:00:00' = INTERVAL '1 day';
-- differs: the difference of timestamps is a duration, and is printed as one
SELECT TIMESTAMP '2024-01-02 00:00:00' - TIMESTAMP '2024-01-01 12:00:00';
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(year FROM DATE '2024-02-29'), extract(month FROM DATE '2024-02-29'), extract(day FROM DATE '2024-02-29');
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(hour FROM TIMESTAMP '2024-02-29 13:14:15.5'), extract(minute FROM TIMESTAMP '2024-02-29 13:14:15.5');
-- differs: extract answers INTEGER, without the fraction of a second
SELECT extract(second FROM TIMESTAMP '2024-02-29 13:14:15.5');
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(dow FROM DATE '2024-02-29'), extract(doy FROM DATE '2024-02-29'), extract(week FROM DATE '2024-02-29'), extract(quarter FROM DATE '2024-02-29');
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT extract(isodow FROM DATE '2024-03-03'), extract(isoyear FROM DATE '2024-12-30');
SELECT extract(epoch FROM TIMESTAMP '1970-01-02 00:00:00'), extract(epoch FROM DATE '1970-01-02');
SELECT extract(nosuch FROM DATE '2024-02-29');
-- differs: date_part answers INTEGER, PostgreSQL DOUBLE PRECISION
SELECT date_part('year', DATE '2024-02-29'), date_part('hour', TIMESTAMP '2024-02-29 13:14:15');
SELECT date_trunc('month', TIMESTAMP '2024-02-29 13:14:15'), date_trunc('hour', TIMESTAMP '2024-02-29 13:14:15');
SELECT date_trunc('week', TIMESTAMP '2024-02-29 13:14:15'), date_trunc('quarter', TIMESTAMP '2024-02-29 13:14:15'), date_trunc('year', TIMESTAMP '2024-02-29 13:14:15');
SELECT date_trunc('nosuch', TIMESTAMP '2024-02-29 13:14:15');
SELECT DATE '2024-01-01' < DATE '2024-01-02', DATE '2024-01-01' = TIMESTAMP '2024-01-01 00:00:00', DATE '2024-01-01' < TIMESTAMP '2024-01-01 00:00:01';
SELECT make_date(2024, 2, 29);
SELECT make_date(2023, 2, 29);
-- differs: to_char has the patterns of strftime
SELECT to_char(TIMESTAMP '2024-02-29 13:14:15', 'YYYY-MM-DD');
SELECT to_timestamp(0) = TIMESTAMP '1970-01-01 00:00:00';
SELECT DATE '0001-01-01', DATE '9999-12-31';
-- differs: years have four digits
SELECT DATE '10000-01-01';
-- differs: digits behind the microseconds are cut off, PostgreSQL rounds
SELECT TIMESTAMP '2024-01-01 00:00:00.1234567';
SELECT DATE '2024-01-01' + DATE '2024-01-01';
SELECT DATE '2024-01-01' * 2;
SELECT INTERVAL 'nonsense';
SELECT INTERVAL '1 month' > INTERVAL '29 days';
SELECT TIMESTAMP '2024-01-01' + 1;
-- differs: there is no function age
SELECT age(TIMESTAMP '2024-03-01', TIMESTAMP '2024-01-31');
SELECT now() IS NOT NULL, current_date IS NOT NULL, now() = now();
CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE, ts TIMESTAMP);
INSERT INTO t VALUES (1, '2024-01-31', '2024-01-31 10:00:00'), (2, '1969-12-31', '1969-12-31 23:59:59.999999'), (3, NULL, NULL), (4, '2024-02-29', '2024-02-29 00:00:00');
SELECT id, d + 1, d - 1 FROM t ORDER BY id;
SELECT id, ts + INTERVAL '1 month' FROM t ORDER BY id;
SELECT id, d - DATE '1970-01-01' FROM t ORDER BY id;
-- differs: extract answers INTEGER, PostgreSQL NUMERIC
SELECT id, extract(year FROM ts), date_trunc('day', ts) FROM t ORDER BY id;
SELECT id FROM t WHERE ts >= '2024-02-01' ORDER BY id;
SELECT id FROM t WHERE d BETWEEN '2024-01-01' AND '2024-12-31' ORDER BY id;
SELECT min(d), max(ts), count(d) FROM t;
SELECT date_trunc('year', ts) AS y, count(*) FROM t GROUP BY 1 ORDER BY 1;
UPDATE t SET d = d + 1, ts = ts - INTERVAL '1 hour' WHERE id = 4 RETURNING d, ts;
SELECT ts::date, d::timestamp FROM t ORDER BY id;
-- differs: the difference of timestamps is a duration, which is not compared with an interval by value
SELECT max(ts) - min(ts) > INTERVAL '1 day' FROM t;
