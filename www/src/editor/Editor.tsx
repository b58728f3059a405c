/** The editor of one pane: one view, which shows one of several texts, each with its own cursor and undo. */

import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { sql } from '@codemirror/lang-sql'
import { bracketMatching, ensureSyntaxTree, indentOnInput } from '@codemirror/language'
import { lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension, Prec, type StateEffect } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import type { FirnDBError } from 'firndb'
import { type Ref, useImperativeHandle, useLayoutEffect, useRef } from 'react'
import { DEFAULT_NAMESPACE } from '../engine/names.js'
import { type Statement, statementAt, statementsOf } from '../engine/statements.js'
import { COLOURING } from './colours.js'
import { DIALECT } from './dialect.js'
import { diagnosticOf } from './mistakes.js'
import { namespaceOf, type TableInfo } from './schema.js'

/** What the page does with an editor. */
export interface EditorHandle {
  /** Which text is shown, and what it is. */
  document(): string
  text(): string
  hasFocus(): boolean
  /** The statements to run: all, or those selected, or else the one at the cursor. What is offered to be typed goes. */
  statements(which: 'all' | 'chosen'): Statement[]
  /** Puts `text` in the place of all there is. */
  replace(text: string): void
  /** Marks the place of an error in the statement that begins at `offset`; `undefined` takes marks away. */
  mark(error: FirnDBError | undefined, offset: number): void
  /** Puts the cursor at `offset`, and shows it. */
  goTo(offset: number): void
  focus(): void
}

interface Properties {
  readonly ref: Ref<EditorHandle>
  readonly label: string
  /** Which text is shown. */
  readonly document: string
  /** The text when it is first shown: what is typed later is told to `onChange`, and not told back. */
  readonly text: string
  readonly tables: readonly TableInfo[]
  onChange(document: string, text: string): void
  onRun(which: 'all' | 'chosen'): void
}

/** A text while another is shown. */
interface Aside {
  readonly state: EditorState
  readonly scroll: StateEffect<unknown>
}

export function Editor(properties: Properties) {
  const { ref, document, tables, label } = properties
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const shown = useRef(document)
  const asides = useRef(new Map<string, Aside>())
  const changing = useRef({ language: new Compartment(), name: new Compartment() })
  // What the editor calls is of the latest rendering, though it was made in the first.
  const latest = useRef(properties)
  latest.current = properties

  // Before anything can be typed: a key pressed now belongs to the text that is seen.
  useLayoutEffect(() => {
    const { language, name } = changing.current
    const { text, label, tables } = latest.current
    const before = view.current
    if (before && shown.current !== document) {
      asides.current.set(shown.current, { state: before.state, scroll: before.scrollSnapshot() })
    }
    shown.current = document
    const aside = asides.current.get(document)
    asides.current.delete(document)
    const isSame = aside?.state.doc.toString() === text
    const state = isSame
      ? aside.state
      : EditorState.create({
          doc: text,
          extensions: [
            keys(latest),
            language.of(languageOf(tables)),
            name.of(named(label)),
            EXTENSIONS,
            EditorView.updateListener.of(({ docChanged, state }) => {
              if (docChanged) {
                latest.current.onChange(shown.current, state.doc.toString())
              }
            }),
          ],
        })
    if (!before) {
      if (place.current) {
        view.current = new EditorView({ state, parent: place.current })
      }
      return
    }
    before.setState(state)
    if (isSame) {
      // Meanwhile it may have another title, and there may be other tables.
      before.dispatch({ effects: [name.reconfigure(named(label)), language.reconfigure(languageOf(tables)), aside.scroll] })
    }
  }, [document])

  useLayoutEffect(
    () => () => {
      view.current?.destroy()
      view.current = undefined
    },
    [],
  )

  useLayoutEffect(() => {
    view.current?.dispatch({ effects: changing.current.language.reconfigure(languageOf(tables)) })
  }, [tables])

  useLayoutEffect(() => {
    view.current?.dispatch({ effects: changing.current.name.reconfigure(named(label)) })
  }, [label])

  useImperativeHandle(
    ref,
    () => ({
      document: () => shown.current,
      text: () => view.current?.state.doc.toString() ?? '',
      hasFocus: () => view.current?.hasFocus ?? false,
      statements(which) {
        if (!view.current) {
          return []
        }
        closeCompletion(view.current)
        return chosen(view.current.state, which)
      },
      replace(text) {
        view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } })
      },
      mark(error, offset) {
        const { current } = view
        if (current) {
          const found = error === undefined ? [] : [diagnosticOf(current.state.doc, error, offset)]
          current.dispatch(setDiagnostics(current.state, found))
        }
      },
      goTo(offset) {
        const { current } = view
        current?.dispatch({ selection: { anchor: Math.min(offset, current.state.doc.length) }, scrollIntoView: true })
        current?.focus()
      },
      focus: () => view.current?.focus(),
    }),
    [],
  )

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
  autocompletion({ icons: false }),
  highlightSelectionMatches(),
  EditorView.lineWrapping,
  EditorState.tabSize.of(2),
  placeholder('SELECT …'),
  // Tab goes on to what comes after the editor, as everywhere on a page.
  keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
  // Files are dropped on the page, to be imported: the editor would write what is in them into the text.
  Prec.highest(EditorView.domEventHandlers({ drop: (event) => event.dataTransfer?.types.includes('Files') === true })),
  COLOURING,
]

function named(label: string): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': label })
}

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
