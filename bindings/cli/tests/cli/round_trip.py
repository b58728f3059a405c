"""Takes TPC-H and the flights into FirnDB and out again, and has DuckDB compare every row.

usage: round_trip.py FIRNDB DIRECTORY SCALE FLIGHTS ROWS
FIRNDB is the program, SCALE the scale factor of TPC-H, FLIGHTS a Parquet file of which the first ROWS are taken.
Prints a line for each table and ends with status 0 when nothing differs.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

import duckdb

FIRNDB, DIRECTORY, SCALE, FLIGHTS, ROWS = sys.argv[1:]
STORE = os.path.join(DIRECTORY, "store")

# The types of the specification; its identifiers are BIGINT here, as in the generated files.
TABLES = {
    "region": "r_regionkey BIGINT PRIMARY KEY, r_name VARCHAR(25) NOT NULL, r_comment VARCHAR(152)",
    "nation": "n_nationkey BIGINT PRIMARY KEY, n_name VARCHAR(25) NOT NULL, n_regionkey BIGINT NOT NULL, "
    "n_comment VARCHAR(152)",
    "supplier": "s_suppkey BIGINT PRIMARY KEY, s_name VARCHAR(25) NOT NULL, s_address VARCHAR(40) NOT NULL, "
    "s_nationkey BIGINT NOT NULL, s_phone VARCHAR(15) NOT NULL, s_acctbal DECIMAL(15,2) NOT NULL, "
    "s_comment VARCHAR(101) NOT NULL",
    "customer": "c_custkey BIGINT PRIMARY KEY, c_name VARCHAR(25) NOT NULL, c_address VARCHAR(40) NOT NULL, "
    "c_nationkey BIGINT NOT NULL, c_phone VARCHAR(15) NOT NULL, c_acctbal DECIMAL(15,2) NOT NULL, "
    "c_mktsegment VARCHAR(10) NOT NULL, c_comment VARCHAR(117) NOT NULL",
    "part": "p_partkey BIGINT PRIMARY KEY, p_name VARCHAR(55) NOT NULL, p_mfgr VARCHAR(25) NOT NULL, "
    "p_brand VARCHAR(10) NOT NULL, p_type VARCHAR(25) NOT NULL, p_size INTEGER NOT NULL, "
    "p_container VARCHAR(10) NOT NULL, p_retailprice DECIMAL(15,2) NOT NULL, p_comment VARCHAR(23) NOT NULL",
    "partsupp": "ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty INTEGER NOT NULL, "
    "ps_supplycost DECIMAL(15,2) NOT NULL, ps_comment VARCHAR(199) NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey)",
    "orders": "o_orderkey BIGINT PRIMARY KEY, o_custkey BIGINT NOT NULL, o_orderstatus VARCHAR(1) NOT NULL, "
    "o_totalprice DECIMAL(15,2) NOT NULL, o_orderdate DATE NOT NULL, o_orderpriority VARCHAR(15) NOT NULL, "
    "o_clerk VARCHAR(15) NOT NULL, o_shippriority INTEGER NOT NULL, o_comment VARCHAR(79) NOT NULL",
    "lineitem": "l_orderkey BIGINT, l_partkey BIGINT NOT NULL, l_suppkey BIGINT NOT NULL, l_linenumber INTEGER, "
    "l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL, l_discount DECIMAL(15,2) NOT NULL, "
    "l_tax DECIMAL(15,2) NOT NULL, l_returnflag VARCHAR(1) NOT NULL, l_linestatus VARCHAR(1) NOT NULL, "
    "l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, "
    "l_shipinstruct VARCHAR(25) NOT NULL, l_shipmode VARCHAR(10) NOT NULL, l_comment VARCHAR(44) NOT NULL, "
    "PRIMARY KEY (l_orderkey, l_linenumber)",
    "flights": "id BIGINT PRIMARY KEY, date TIMESTAMP, delay BIGINT, distance BIGINT, origin TEXT, destination TEXT",
}
FORMATS = ["parquet", "csv", "jsonl"]


# The most memory that any run of each command had, in MB.
PEAKS = {}


def firndb(*args):
    """Runs the program, and gives what it prints."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = subprocess.Popen([FIRNDB, *args], stdout=out, stderr=err)
        while run.poll() is None:
            PEAKS[args[0]] = max(PEAKS.get(args[0], 0), peak_of(run.pid))
            time.sleep(0.02)
        out.seek(0)
        err.seek(0)
        if run.returncode != 0:
            sys.exit(f"firndb {' '.join(args)}\nended with {run.returncode}: {err.read()}")
        return out.read()


def peak_of(pid):
    """The most memory that a running process has had, in MB. What `wait` tells counts the memory of this process too,
    of which the other is a copy until it runs its own program."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            lines = [line.split() for line in status]
    except OSError:
        return 0
    return next((int(line[1]) // 1024 for line in lines if line[0] == "VmHWM:"), 0)


def sql(text):
    return firndb("sql", "-d", STORE, "--quiet", "--format", "csv", text)


def quoted(path):
    return "'" + path.replace("'", "''") + "'"


class Judge:
    """DuckDB, with what it is asked to compare."""

    def __init__(self):
        self.connection = duckdb.connect()
        self.connection.execute("SET enable_progress_bar = false")

    def ask(self, text):
        return self.connection.execute(text).fetchall()

    def columns(self, relation):
        return [(row[0], row[1]) for row in self.ask(f"DESCRIBE SELECT * FROM {relation}")]

    def same(self, what, expected, found, columns):
        """Every row of `expected` is in `found`, as often, and the other way."""
        names = ", ".join(f'"{name}"' for name, _ in columns)
        for one, other, how in [(expected, found, "lacks"), (found, expected, "has besides")]:
            differ = f"SELECT {names} FROM {one} EXCEPT ALL SELECT {names} FROM {other}"
            rows = self.ask(f"SELECT * FROM ({differ}) LIMIT 3")
            if rows:
                count = self.ask(f"SELECT count(*) FROM ({differ})")[0][0]
                sys.exit(f"{what} {how} {count} rows, such as {rows[0]}")

    def read(self, path, columns):
        """The relation that is the file `path`, whose columns have these types whatever it looks like."""
        types = ", ".join(f"{quoted(name)}: {quoted(type)}" for name, type in columns)
        if path.endswith(".csv"):
            return f"read_csv({quoted(path)}, header = true, columns = {{{types}}})"
        if path.endswith(".jsonl"):
            return f"read_json({quoted(path)}, format = 'newline_delimited', columns = {{{types}}})"
        return f"read_parquet({quoted(path)})"

    def checksum(self, relation, columns, order):
        """The MD5 of all rows as text, in order."""
        row = "concat_ws('|', " + ", ".join(f"coalesce(CAST(\"{name}\" AS TEXT), '-')" for name, _ in columns) + ")"
        [[sum]] = self.ask(f"SELECT md5(string_agg({row}, chr(10) ORDER BY {order})) FROM {relation}")
        return sum

    def aggregates(self, relation, columns):
        [row] = self.ask(f"SELECT {aggregates_of(columns)} FROM {relation}")
        return [plain(value) for value in row]


def aggregates_of(columns):
    """The count of rows; of each column the count, the least and the greatest, of numbers the sum."""
    parts = ["count(*)"]
    for name, type in columns:
        parts += [f'count("{name}")', f'min("{name}")', f'max("{name}")']
        if type in ("BIGINT", "INTEGER") or type.startswith("DECIMAL"):
            parts.append(f'sum("{name}")')
    return ", ".join(f"CAST({part} AS TEXT)" for part in parts)


def plain(value):
    """A value as text, whichever of the two wrote it."""
    text = "" if value is None else str(value).replace("T", " ") if str(value)[:4].isdigit() else str(value)
    try:
        return format(Decimal(text).normalize(), "f")
    except ArithmeticError:
        return text


def firndb_aggregates(table, columns):
    names = [f"c{at}" for at in range(aggregates_of(columns).count("CAST("))]
    casts = aggregates_of(columns).split(", CAST(")
    casts = [casts[0]] + [f"CAST({cast}" for cast in casts[1:]]
    listed = ", ".join(f"{cast} AS {name}" for cast, name in zip(casts, names))
    rows = sql(f"SELECT {listed} FROM {table}")
    path = os.path.join(DIRECTORY, "aggregates.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rows)
    [row] = duckdb.connect().execute(f"SELECT * FROM read_csv({quoted(path)}, header = true, all_varchar = true)").fetchall()
    return [plain(value) for value in row]


def generate():
    """The files to begin with, by table."""
    out = os.path.join(DIRECTORY, "generated")
    os.makedirs(out, exist_ok=True)
    program = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    subprocess.run([program, "parquet", "-s", SCALE, "--output-dir", out], check=True, capture_output=True)
    flights = os.path.join(out, "flights.parquet")
    duckdb.connect().execute(
        f"COPY (SELECT row_number() OVER () AS id, * FROM (SELECT * FROM {quoted(FLIGHTS)} LIMIT {int(ROWS)})) "
        f"TO {quoted(flights)}"
    )
    return {table: os.path.join(out, f"{table}.parquet") for table in TABLES}


def take(judge, table, file):
    """One table: in, looked at where it lies, and out and in again by every format."""
    started = time.monotonic()
    original = f"read_parquet({quoted(file)})"
    columns = judge.columns(original)
    names = [table] + [f"{table}_{form}" for form in FORMATS]
    sql("; ".join(f"CREATE SHARED TABLE trip.{name} ({TABLES[table]})" for name in names))
    put_in(table, file)
    stored = batch_files(table)
    judge.same(f"the batch files of {table}", original, stored, columns)
    expected = judge.aggregates(original, columns)
    for whose, found in [
        ("FirnDB's", firndb_aggregates(f"trip.{table}", columns)),
        ("the batch files'", judge.aggregates(stored, columns)),
    ]:
        if found != expected:
            sys.exit(f"{table}: {whose} counts, sums and ends are\n{found}, expected\n{expected}")
    for form in FORMATS:
        there_and_back(judge, table, form, original, columns)
    print(f"{table}: {expected[0]} rows, {', '.join(FORMATS)}, {time.monotonic() - started:.1f} s", flush=True)


def put_in(table, file):
    """Imports a file; what is not too much to be hot goes into a batch file too."""
    firndb("import", STORE, f"trip.{table}", file)
    sql(f"STORAGE FLUSH TABLE trip.{table}")


def batch_files(table):
    """The relation that the store's own files of a table are: those that queries read, not those that wait to be
    removed."""
    listed = f"FROM system.batches WHERE table_name = '{table}' AND status <> 'archived'"
    [dead] = sql(f"SELECT coalesce(sum(dead_rows), 0) AS dead {listed}").split()[1:]
    if dead != "0":
        sys.exit(f"{table} has {dead} dead rows, which a reader of the files alone would see")
    [directory] = glob.glob(os.path.join(STORE, "blobs", "trip", f"{table}-*", "shared"))
    files = [os.path.join(directory, name) for name in sql(f"SELECT path {listed}").split()[1:]]
    if not files:
        sys.exit(f"{table} has no batch files")
    return f"read_parquet([{', '.join(map(quoted, files))}])"


def there_and_back(judge, table, form, original, columns):
    """That the format keeps every value."""
    out = os.path.join(DIRECTORY, f"{table}.{form}")
    firndb("export", STORE, f"trip.{table}", out)
    judge.same(f"{table} as {form}", original, judge.read(out, columns), columns)
    put_in(f"{table}_{form}", out)
    os.remove(out)
    judge.same(f"{table} from {form}", original, batch_files(f"{table}_{form}"), columns)


def compacted(judge, file):
    """The flights, changed and flushed until the table has many files and dead rows in them, then compacted: the
    files are plain Parquet of the rows that there are."""
    started = time.monotonic()
    columns = judge.columns(f"read_parquet({quoted(file)})")
    for rest in range(6):
        sql(
            f"UPDATE trip.flights SET delay = delay + {rest + 1} WHERE id % 40 = {rest}; "
            f"DELETE FROM trip.flights WHERE id % 40 = {rest + 20}; STORAGE FLUSH TABLE trip.flights"
        )
    sql("STORAGE COMPACT TABLE trip.flights")
    changed = ", ".join(
        'CASE WHEN id % 40 < 6 THEN delay + id % 40 + 1 ELSE delay END AS "delay"' if name == "delay" else f'"{name}"'
        for name, _ in columns
    )
    expected = f"(SELECT {changed} FROM read_parquet({quoted(file)}) WHERE id % 40 NOT BETWEEN 20 AND 25)"
    stored = batch_files("flights")
    judge.same("the compacted files of flights", expected, stored, columns)
    dump = os.path.join(DIRECTORY, "dump.parquet")
    sql(f"COPY (SELECT * FROM trip.flights ORDER BY id) TO {quoted(dump)}")
    sums = {
        whose: judge.checksum(relation, columns, order)
        for whose, relation, order in [
            ("the rows expected", expected, "id"),
            ("the files", stored, "id"),
            ("the sorted dump", f"read_parquet({quoted(dump)}, file_row_number = true)", "file_row_number"),
        ]
    }
    if len(set(sums.values())) != 1:
        sys.exit(f"after a compaction the checksums differ: {sums}")
    [files] = sql(
        "SELECT count(*) AS files FROM system.batches WHERE table_name = 'flights' AND status <> 'archived'"
    ).split()[1:]
    print(
        f"flights, compacted: {files} files, checksum {sums['the files']}, {time.monotonic() - started:.1f} s", flush=True
    )


def main():
    started = time.monotonic()
    files = generate()
    sql("CREATE NAMESPACE trip")
    judge = Judge()
    for table in TABLES:
        take(judge, table, files[table])
    compacted(judge, files["flights"])
    firndb("check", STORE)
    peaks = ", ".join(f"{command} {peak} MB" for command, peak in PEAKS.items())
    print(f"all of it in {time.monotonic() - started:.0f} s; at most {peaks}")
    shutil.rmtree(DIRECTORY, ignore_errors=True)


main()
