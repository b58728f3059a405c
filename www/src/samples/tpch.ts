/** The sample for joins. */

import { CUSTOMERS, LINES, ORDERS, PARTS, SUPPLIERS } from './rows/tpch.js'
import type { Recipe } from './sample.js'

export const TPCH: Recipe = {
  id: 'tpch',
  title: 'TPC-H, small',
  description:
    'Eight tables of parts, orders and their lines, for joins and sums of exact decimals. After the specification of TPC-H at ' +
    'the scale 0.01, made here: not dbgen’s data, and no result of that benchmark.',
  rows: 5 + 25 + SUPPLIERS + CUSTOMERS + PARTS + 4 * PARTS + ORDERS + LINES,
  downloadBytes: 0,
  namespace: 'tpch',
  tables: ['region', 'nation', 'supplier', 'customer', 'part', 'partsupp', 'orders', 'lineitem'].map((name) => ({
    namespace: 'tpch',
    name,
  })),
  definitions: `
CREATE NAMESPACE IF NOT EXISTS tpch;
CREATE TABLE tpch.region (r_regionkey INTEGER PRIMARY KEY, r_name TEXT NOT NULL, r_comment TEXT);
CREATE TABLE tpch.nation (n_nationkey INTEGER PRIMARY KEY, n_name TEXT NOT NULL, n_regionkey INTEGER NOT NULL, n_comment TEXT);
CREATE TABLE tpch.supplier (
  s_suppkey BIGINT PRIMARY KEY, s_name TEXT NOT NULL, s_address TEXT NOT NULL, s_nationkey INTEGER NOT NULL,
  s_phone TEXT NOT NULL, s_acctbal DECIMAL(15,2) NOT NULL, s_comment TEXT NOT NULL
);
CREATE TABLE tpch.customer (
  c_custkey BIGINT PRIMARY KEY, c_name TEXT NOT NULL, c_address TEXT NOT NULL, c_nationkey INTEGER NOT NULL,
  c_phone TEXT NOT NULL, c_acctbal DECIMAL(15,2) NOT NULL, c_mktsegment TEXT NOT NULL, c_comment TEXT NOT NULL
);
CREATE TABLE tpch.part (
  p_partkey BIGINT PRIMARY KEY, p_name TEXT NOT NULL, p_mfgr TEXT NOT NULL, p_brand TEXT NOT NULL, p_type TEXT NOT NULL,
  p_size INTEGER NOT NULL, p_container TEXT NOT NULL, p_retailprice DECIMAL(15,2) NOT NULL, p_comment TEXT NOT NULL
);
CREATE TABLE tpch.partsupp (
  ps_partkey BIGINT NOT NULL, ps_suppkey BIGINT NOT NULL, ps_availqty INTEGER NOT NULL, ps_supplycost DECIMAL(15,2) NOT NULL,
  ps_comment TEXT NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey)
);
CREATE TABLE tpch.orders (
  o_orderkey BIGINT PRIMARY KEY, o_custkey BIGINT NOT NULL, o_orderstatus TEXT NOT NULL, o_totalprice DECIMAL(15,2) NOT NULL,
  o_orderdate DATE NOT NULL, o_orderpriority TEXT NOT NULL, o_clerk TEXT NOT NULL, o_shippriority INTEGER NOT NULL,
  o_comment TEXT NOT NULL
);
CREATE TABLE tpch.lineitem (
  l_orderkey BIGINT NOT NULL, l_partkey BIGINT NOT NULL, l_suppkey BIGINT NOT NULL, l_linenumber INTEGER NOT NULL,
  l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL, l_discount DECIMAL(15,2) NOT NULL,
  l_tax DECIMAL(15,2) NOT NULL, l_returnflag TEXT NOT NULL, l_linestatus TEXT NOT NULL, l_shipdate DATE NOT NULL,
  l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, l_shipinstruct TEXT NOT NULL, l_shipmode TEXT NOT NULL,
  l_comment TEXT NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber)
);`,
  queries: [
    {
      title: 'Q1: what was billed, shipped and returned',
      sql: `SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
  sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
  sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
  avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM tpch.lineitem
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90 days'
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus`,
    },
    {
      title: 'Q3: the dearest orders that are not shipped',
      sql: `SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM tpch.customer, tpch.orders, tpch.lineitem
WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
  AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT 10`,
    },
    {
      title: 'Q5: sales within Asia, by nation (as a chart)',
      sql: `SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM tpch.customer, tpch.orders, tpch.lineitem, tpch.supplier, tpch.nation, tpch.region
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey
  AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
  AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1995-01-01'
GROUP BY n_name
ORDER BY revenue DESC`,
    },
    {
      title: 'Q6: what smaller discounts would have brought',
      sql: `SELECT sum(l_extendedprice * l_discount) AS revenue
FROM tpch.lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
  AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`,
    },
    {
      title: 'Q10: customers who send back',
      sql: `SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name, c_phone
FROM tpch.customer, tpch.orders, tpch.lineitem, tpch.nation
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate >= DATE '1993-10-01'
  AND o_orderdate < DATE '1994-01-01' AND l_returnflag = 'R' AND c_nationkey = n_nationkey
GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name
ORDER BY revenue DESC, c_custkey
LIMIT 20`,
    },
    {
      title: 'One order and its lines, by the beginning of the key',
      sql: 'SELECT * FROM tpch.lineitem WHERE l_orderkey = 20003 ORDER BY l_linenumber',
    },
    {
      title: 'Change cold rows of a join',
      sql: `UPDATE tpch.orders SET o_orderpriority = '1-URGENT'
FROM tpch.customer
WHERE c_custkey = o_custkey AND c_mktsegment = 'MACHINERY' AND o_orderstatus = 'O'`,
    },
    {
      title: 'Delete the lines of an order',
      sql: 'DELETE FROM tpch.lineitem WHERE l_orderkey = 1 RETURNING l_linenumber, l_extendedprice',
    },
  ],
}
