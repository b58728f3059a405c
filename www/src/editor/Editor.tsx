/** The editor of one pane. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { sql } from '@codemirror/lang-sql'
import { bracketMatching, ensureSyntaxTree, indentOnInput } from '@codemirror/language'
import { lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import type { FirnDBError } from 'firndb'
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import { DEFAULT_NAMESPACE } from '../engine/names.js'
import { type Statement, statementAt, statementsOf } from '../engine/statements.js'
import { COLOURING } from './colours.js'
import { DIALECT } from './dialect.js'
import { diagnosticOf } from './mistakes.js'
import { namespaceOf, type TableInfo } from './schema.js'

/** What the page does with an editor. */
export interface EditorHandle {
  /** The statements to run: all, or those selected, or else the one at the cursor. */
  statements(which: 'all' | 'chosen'): Statement[]
  /** Puts `text` in the place of all there is. */
  replace(text: string): void
  /** Puts `text` where the cursor is. */
  insert(text: string): void
  /** Marks the place of an error in the statement that begins at `offset`; `undefined` takes marks away. */
  mark(error: FirnDBError | undefined, offset: number): void
  focus(): void
}

interface Properties {
  readonly ref: Ref<EditorHandle>
  readonly label: string
  /** The text at the beginning; another `document` begins anew. */
  readonly document: string
  readonly text: string
  readonly tables: readonly TableInfo[]
  onChange(text: string): void
  onRun(which: 'all' | 'chosen'): void
}

export function Editor(properties: Properties) {
  const { ref, document, tables } = properties
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const language = useRef(new Compartment())
  // What the editor calls is of the latest rendering, though it was made in the first.
  const latest = useRef(properties)
  latest.current = properties

  useEffect(() => {
    const parent = place.current
    if (!parent) {
      return
    }
    const { text, label, tables } = latest.current
    const state = EditorState.create({
      doc: text,
      extensions: [
        keys(latest),
        language.current.of(languageOf(tables)),
        EXTENSIONS,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) {
            latest.current.onChange(state.doc.toString())
          }
        }),
      ],
    })
    const made = new EditorView({ state, parent })
    view.current = made
    return () => made.destroy()
    // `document` says when another text is shown: what is typed is not told back to the editor.
  }, [document])

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(languageOf(tables)) })
  }, [tables])

  useImperativeHandle(ref, () => ({
    statements: (which) => (view.current ? chosen(view.current.state, which) : []),
    replace(text) {
      view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } })
    },
    insert(text) {
      view.current?.dispatch(view.current.state.replaceSelection(text))
      view.current?.focus()
    },
    mark(error, offset) {
      const { current } = view
      if (current) {
        const found = error === undefined ? [] : [diagnosticOf(current.state.doc, error, offset)]
        current.dispatch(setDiagnostics(current.state, found))
      }
    },
    focus: () => view.current?.focus(),
  }))

  return <div className="editor" ref={place} />
}

/** What is the same for all editors. */
const EXTENSIONS: Extension = [
  lineNumbers(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  highlightSelectionMatches(),
  EditorView.lineWrapping,
  EditorState.tabSize.of(2),
  placeholder('SELECT …'),
  // Tab goes on to what comes after the editor, as everywhere on a page.
  keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
  COLOURING,
]

function keys(latest: { current: Properties }): Extension {
  const run = (which: 'all' | 'chosen') => () => {
    latest.current.onRun(which)
    return true
  }
  return Prec.highest(
    keymap.of([
      { key: 'Mod-Enter', run: run('chosen') },
      { key: 'Mod-Shift-Enter', run: run('all') },
    ]),
  )
}

function languageOf(tables: readonly TableInfo[]): Extension {
  return sql({ dialect: DIALECT, schema: namespaceOf(tables), defaultSchema: DEFAULT_NAMESPACE, upperCaseKeywords: true })
}

/** How long parsing a text may take before it is run: a long script is parsed in pieces otherwise. */
const PARSE_MS = 1_000

function chosen(state: EditorState, which: 'all' | 'chosen'): Statement[] {
  const text = state.doc.toString()
  const tree = ensureSyntaxTree(state, text.length, PARSE_MS)
  const all = tree === null ? [{ sql: text, from: 0, to: text.length }] : statementsOf(text, tree)
  if (which === 'all') {
    return all
  }
  const { main } = state.selection
  if (!main.empty) {
    // A part of a statement that is selected is run as it is: to try a subquery.
    const sql = state.sliceDoc(main.from, main.to)
    const within = all.filter(({ from, to }) => from < main.to && to > main.from)
    return within.length > 1 ? within : [{ sql: sql.replace(/;\s*$/, ''), from: main.from, to: main.to }]
  }
  const at = statementAt(all, main.head)
  return at === undefined ? [] : [at]
}
