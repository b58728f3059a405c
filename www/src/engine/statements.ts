/** A script as statements, by the same grammar that colours it. */

import type { SyntaxNode, Tree } from '@lezer/common'

/** A statement and where it begins in the script. */
export interface Statement {
  readonly sql: string
  readonly from: number
  readonly to: number
}

/** The statements of `text`, of which `tree` is the syntax, without the semicolons that end them. */
export function statementsOf(text: string, tree: Tree): Statement[] {
  const statements: Statement[] = []
  for (let node: SyntaxNode | null = tree.topNode.firstChild; node; node = node.nextSibling) {
    if (node.name !== 'Statement') {
      continue
    }
    const end = text[node.to - 1] === ';' ? node.to - 1 : node.to
    const sql = text.slice(node.from, end).trimEnd()
    if (sql !== '') {
      statements.push({ sql, from: node.from, to: node.to })
    }
  }
  return statements
}

/** The statement at `position`: the one around it, or else the one before it. */
export function statementAt(statements: readonly Statement[], position: number): Statement | undefined {
  return statements.findLast(({ from }) => from <= position) ?? statements[0]
}

/** Whether `sql` is known to answer with rows, so that they can be read as a stream of Arrow. */
export function answersWithRows(sql: string): boolean {
  return /^(SELECT|VALUES|SHOW|EXPLAIN|WITH(?![^]*\b(INSERT|UPDATE|DELETE)\b))\b/i.test(withoutComments(sql))
}

/** Whether EXPLAIN can tell what `sql` read. */
export function canBeExplained(sql: string): boolean {
  return /^(SELECT|VALUES|WITH)\b/i.test(withoutComments(sql))
}

function withoutComments(sql: string): string {
  return sql.replace(/^(\s|--[^\n]*(\n|$)|\/\*[^]*?\*\/)+/, '')
}
