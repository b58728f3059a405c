/** FirnDB's SQL for the editor: PostgreSQL's, and what is its own. */

import { PostgreSQL, SQLDialect } from '@codemirror/lang-sql'

/** Words of statements that PostgreSQL has not, by the statement that they are of. */
const OWN_KEYWORDS = [
  // Tables.
  'shared stream namespace flush_policy ttl_seconds access_level write_access_level deleted_retention_hours bloom_fpp',
  // Upkeep.
  'storage flush compact check garbage manifest cache kill job',
  // Users.
  'erase service dba audit',
  // Changes.
  'changes since',
]

const OWN_FUNCTIONS = 'snowflake_id uuid_v7'

/** What columns every table has beside its own. */
const OWN_COLUMNS = '_seq _deleted'

export const DIALECT = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: [PostgreSQL.spec.keywords, ...OWN_KEYWORDS].join(' '),
  builtin: [PostgreSQL.spec.builtin, OWN_FUNCTIONS, OWN_COLUMNS].join(' '),
})
