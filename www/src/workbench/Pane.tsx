/** One pane: whoever works in it, an editor with its tabs, and what the statements answered. */

import { type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react'
import { Identity } from '../access/Identity.js'
import { Editor, type EditorHandle } from '../editor/Editor.js'
import type { TableInfo } from '../editor/schema.js'
import type { Outcome } from '../engine/run.js'
import type { Store, Who } from '../engine/store.js'
import { ResultView } from '../results/ResultView.js'
import { sentence } from '../results/wording.js'
import { PassingButton } from '../style/focus.js'
import { AnswerHead, type Asked } from './AnswerHead.js'
import type { Session } from './session.js'
import { Splitter } from './Splitter.js'
import { TabStrip } from './TabStrip.js'
import { type TabList, useTabs } from './tabs.js'
import './pane.css'

interface Properties {
  readonly store: Store
  readonly who: Who
  readonly session: Session
  readonly tabs: TabList
  readonly tables: readonly TableInfo[]
  /** Which pane it is, for what is remembered of it. */
  readonly index: number
  readonly name: string
  /** What is shown before anything was run, where that is more than a hint. */
  readonly empty: ReactNode
  onWho(who: Who): void
  /** Told of the editor, so that other views can put text into it. */
  onEditor(editor: EditorHandle | null): void
}

export function Pane({ store, who, session, tabs, tables, index, name, empty, onWho, onEditor }: Properties) {
  const editor = useRef<EditorHandle>(null)
  const [chosen, setChosen] = useState(0)
  /** Of what the answers are; tabs are changed, and typed in, while statements run. */
  const [asked, setAsked] = useState<Asked>()
  const latest = useRef(asked)
  const { active } = useTabs(tabs)
  const { outcomes } = session
  const shown = outcomes[Math.min(chosen, outcomes.length - 1)]

  const attach = useCallback(
    (handle: EditorHandle | null) => {
      editor.current = handle
      onEditor(handle)
    },
    [onEditor],
  )

  // The last statement's answer is what one wants to see.
  useEffect(() => setChosen(Math.max(0, outcomes.length - 1)), [outcomes.length])

  const run = async (which: 'all' | 'chosen') => {
    const { current } = editor
    const statements = current?.statements(which) ?? []
    if (!current || !session.db || statements.length === 0) {
      return
    }
    const mine = { tab: active.id, title: active.title, text: current.text() }
    latest.current = mine
    setAsked(mine)
    current.mark(undefined, 0)
    const last = (await session.run(statements)).at(-1)
    const isThere = current.document() === mine.tab && current.text() === mine.text
    if (last?.kind === 'failed' && isThere && latest.current === mine) {
      current.mark(last.error, last.offset)
    }
  }

  return (
    <section className="pane" aria-label={name} aria-busy={session.running} data-finished={session.finished}>
      <div className="pane-head">
        <TabStrip tabs={tabs} />
        <Identity store={store} who={who} onWho={onWho} />
      </div>
      <div className="pane-editor">
        <Editor
          ref={attach}
          label={`SQL, ${active.title}`}
          document={active.id}
          text={active.body}
          tables={tables}
          onChange={(document, body) => tabs.edit(document, body)}
          onRun={(which) => void run(which)}
        />
      </div>
      <Splitter label="Height of the editor" name={`editor-${index}`} variable="--editor" axis="y" least={5} leastBeside={17} />
      <div className="pane-actions">
        <button type="button" className="primary" disabled={!session.db} onClick={() => void run('chosen')} title="Ctrl+Enter">
          Run
        </button>
        <button type="button" disabled={!session.db} onClick={() => void run('all')} title="Ctrl+Shift+Enter">
          Run all
        </button>
        {session.running && (
          <PassingButton goOn={() => editor.current?.focus()} className="danger" onClick={session.cancel}>
            Cancel
          </PassingButton>
        )}
        <Running session={session} />
        {session.inTransaction && <span className="pane-transaction">In a transaction</span>}
        <Outcomes outcomes={outcomes} chosen={chosen} onChoose={setChosen} />
      </div>
      {asked && shown && (
        <AnswerHead asked={asked} outcome={shown} tabs={tabs} onPlace={(at) => editor.current?.goTo(at)} />
      )}
      {/* There before it has a text, or it would not be read out; what failed is an alert. */}
      <p role="status" className="unseen">
        {!session.running && shown && shown.kind !== 'failed' && sentence(shown)}
      </p>
      <div className="pane-result">
        {shown && session.db ? (
          <ResultView outcome={shown} within={session.within} />
        ) : session.problem ? (
          <p role="alert" className="pane-problem">
            <strong>{session.problem.code}</strong> {session.problem.message}
          </p>
        ) : (
          (!session.running && empty) || <Hint running={session.running} />
        )}
      </div>
    </section>
  )
}

/** How long the statement that runs has been running. */
function Running({ session }: { readonly session: Session }) {
  const [seconds, setSeconds] = useState(0)
  const { running, outcomes, asked } = session
  const begun = outcomes.length
  useEffect(() => {
    setSeconds(0)
    if (!running) {
      return
    }
    const begin = performance.now()
    const timer = setInterval(() => setSeconds((performance.now() - begin) / 1000), 100)
    return () => clearInterval(timer)
  }, [running, begun])
  const text = running ? `${asked > 1 ? `Statement ${begun + 1} of ${asked}, ` : ''}${seconds.toFixed(1)} s` : ''
  return (
    <span className="pane-running" role="status">
      {running && <span className="spinner" aria-hidden="true" />}
      <span aria-hidden={running && seconds > 0}>{text}</span>
    </span>
  )
}

/** Of a script, which statement's answer is shown. */
function Outcomes({
  outcomes,
  chosen,
  onChoose,
}: {
  readonly outcomes: readonly Outcome[]
  readonly chosen: number
  onChoose(index: number): void
}) {
  const id = useId()
  if (outcomes.length < 2) {
    return null
  }
  return (
    <span className="pane-outcomes">
      <label htmlFor={id}>Answer</label>
      <select id={id} value={chosen} onChange={(event) => onChoose(Number(event.target.value))}>
        {outcomes.map((outcome, at) => (
          // Statements of one run do not change their places.
          <option key={at} value={at}>
            {at + 1}. {outcome.sql.replace(/\s+/g, ' ').slice(0, 40)}
            {outcome.kind === 'failed' ? ' – failed' : ''}
          </option>
        ))}
      </select>
    </span>
  )
}

function Hint({ running }: { readonly running: boolean }) {
  return (
    <p className="pane-hint">
      {running ? 'Running …' : 'Ctrl+Enter (⌘+Enter) runs the statement at the cursor, or what is selected; with Shift all of them.'}
    </p>
  )
}
