/** The page: one pane or two, and the dock beside them. */

import { useCallback, useEffect, useRef, useState } from 'react'
import { AuditView } from '../access/AuditView.js'
import type { EditorHandle } from '../editor/Editor.js'
import type { TableInfo } from '../editor/schema.js'
import { Activities } from '../engine/activities.js'
import { qualified } from '../engine/names.js'
import { OWNER, type Who } from '../engine/store.js'
import { SAMPLES } from '../samples/catalogue.js'
import type { Sample } from '../samples/sample.js'
import { SamplesDialog } from '../samples/SamplesDialog.js'
import { DropHint, useFileDrop } from '../transfer/DropZone.js'
import { exportStore } from '../transfer/export.js'
import { ImportDialog } from '../transfer/ImportDialog.js'
import { ResetDialog } from '../transfer/Losses.js'
import { StorageView } from '../storage/StorageView.js'
import { ActivityList } from './ActivityList.js'
import { Dock, type DockView, focusView } from './Dock.js'
import { Header } from './Header.js'
import { HistoryView } from './HistoryView.js'
import { ClosedNotice, TroubleNotice } from './Notices.js'
import type { Opened } from './opened.js'
import { Pane } from './Pane.js'
import { PlanView } from './PlanView.js'
import { useSession } from './session.js'
import { Splitter } from './Splitter.js'
import { TablesView } from './TablesView.js'
import { useTables } from './tables.js'
import { TabList } from './tabs.js'
import { Welcome } from './Welcome.js'
import './workbench.css'

type DialogName = 'samples' | 'import' | 'reset'

interface Properties {
  readonly opened: Opened
  onReplace(archive: Blob): void
  onReset(): void
}

export function Workbench({ opened, onReplace, onReset }: Properties) {
  const { store, keeper, history, tabs: kept } = opened
  const [activities] = useState(() => new Activities())
  const [split, setSplit] = useState(false)
  const [focused, setFocused] = useState(0)
  const [firstWho, setFirstWho] = useState<Who>(OWNER)
  const [secondWho, setSecondWho] = useState<Who>(OWNER)
  const [dialog, setDialog] = useState<DialogName>()
  /** A dialog may hear that it is closed when another has taken its place. */
  const close = (closed: DialogName) => setDialog((now) => (now === closed ? undefined : now))
  const [files, setFiles] = useState<readonly File[]>(NO_FILES)
  const isOver = useFileDrop((dropped) => {
    setFiles(dropped)
    setDialog('import')
  })
  const [view, setView] = useState<DockView | 'query'>('query')
  const tables = useTables(store)
  const [tabs] = useState(() => [new TabList(0, kept, keeper), new TabList(1, kept, keeper)] as const)
  const sessions = [
    useSession(store, firstWho, history, 'left', true),
    useSession(store, secondWho, history, 'right', split),
  ] as const
  const editors = useRef<[EditorHandle | null, EditorHandle | null]>([null, null])
  const attachFirst = useCallback((editor: EditorHandle | null) => void (editors.current[0] = editor), [])
  const attachSecond = useCallback((editor: EditorHandle | null) => void (editors.current[1] = editor), [])
  const whos = [firstWho, secondWho] as const
  const at = split && focused === 1 ? 1 : 0

  // What was typed last is written before the page goes, or else found by the next one.
  useEffect(() => {
    const leave = () => {
      keeper.leave()
      void keeper.flush()
    }
    document.addEventListener('visibilitychange', leave)
    addEventListener('pagehide', leave)
    return () => {
      document.removeEventListener('visibilitychange', leave)
      removeEventListener('pagehide', leave)
    }
  }, [keeper])

  const toggleSplit = useCallback(async () => {
    if (!split) {
      // Two panes are for two users: somebody else, if there is anybody.
      const { rows } = await store.owner.query<{ id: string }>(
        "SELECT id FROM system.users WHERE dropped_at IS NULL AND id <> 'root' ORDER BY id LIMIT 1",
      )
      setSecondWho(rows[0] ? { user: rows[0].id } : OWNER)
    }
    setSplit(!split)
    setFocused(split ? 0 : 1)
  }, [split, store])

  /**
   * Shows `sql` in a tab of the pane that is worked in, as both are at that moment, which may be long after it was asked for.
   * What is `late` does not take the place of a text that is being typed.
   */
  const here = useRef(at)
  here.current = at
  const toEditor = useCallback(() => editors.current[here.current]?.focus(), [])
  const show = useCallback(
    (sql: string, title?: string, late = false) => {
      const editor = editors.current[here.current]
      const list = tabs[here.current] ?? tabs[0]
      const { active } = list.now()
      if (editor?.document() === active.id && editor.text().trim() === '') {
        editor.replace(sql)
        if (title !== undefined && /^Query \d+$/.test(active.title)) {
          list.rename(active.id, title)
        }
      } else if (late && editor?.hasFocus()) {
        list.open(title, sql, true)
        return
      } else {
        list.open(title, sql)
      }
      setView('query')
      if (!late) {
        editor?.focus()
      }
    },
    [tabs],
  )

  const loaded = (sample: Sample) => {
    close('samples')
    // In tasks of their own: closing, drawing the text and looking at the store at once would hold the page up.
    setTimeout(() => {
      show(scriptOf(sample), sample.title, true)
      // Whatever opened the dialog may have gone.
      if (document.activeElement === document.body) {
        toEditor()
      }
      setTimeout(() => store.changed())
    })
  }
  const loadFlights = async () => {
    const flights = SAMPLES[0]
    if (flights && (await activities.run(`Load ${flights.title}`, 'rows', (progress) => flights.load(store, progress)))) {
      loaded(flights)
    }
  }
  const isEmpty = tables !== undefined && tables.every(({ namespace }) => namespace === 'playground')

  const trace = sessions[at].trace
  const pane = (index: 0 | 1) => (
    <div className="workbench-pane" onFocus={() => setFocused(index)}>
      <Pane
        store={store}
        who={whos[index]}
        session={sessions[index]}
        tabs={tabs[index]}
        tables={tables ?? NONE}
        index={index}
        empty={
          isEmpty ? (
            <Welcome
              onFlights={() => void loadFlights()}
              onSamples={() => setDialog('samples')}
              onImport={() => setDialog('import')}
              goOn={toEditor}
            />
          ) : undefined
        }
        name={index === 0 ? (split ? 'Left pane' : 'Query') : 'Right pane'}
        onWho={index === 0 ? setFirstWho : setSecondWho}
        onEditor={index === 0 ? attachFirst : attachSecond}
      />
    </div>
  )

  return (
    <div className="workbench" data-view={view} data-split={split}>
      <Header
        split={split}
        onSamples={() => setDialog('samples')}
        onImport={() => setDialog('import')}
        onExport={() => void exportStore(store, activities)}
        onReset={() => setDialog('reset')}
        onSplit={() => void toggleSplit()}
      />
      <main className="workbench-main">
        <div className="workbench-panes">
          {pane(0)}
          {split && pane(1)}
        </div>
        <Splitter label="Width of the views" name="dock" variable="--dock" axis="x" least={17.5} leastBeside={24} />
        <Dock view={view === 'query' ? undefined : view} onView={setView}>
          {(chosen, isShown) => {
            switch (chosen) {
              case 'storage':
                return (
                  <StorageView
                    store={store}
                    who={whos[at]}
                    trace={trace === 'tracing' ? undefined : trace}
                    active={isShown}
                  />
                )
              case 'plan':
                return <PlanView session={sessions[at]} goOn={() => focusView(chosen)} />
              case 'tables':
                return <TablesView session={sessions[at]} activities={activities} tables={tables ?? NONE} onShow={show} />
              case 'audit':
                return isShown && <AuditView store={store} />
              case 'history':
                return <HistoryView store={store} history={history} isShown={isShown} onShow={show} />
            }
          }}
        </Dock>
      </main>
      <div className="notices">
        <TroubleNotice keeper={keeper} goOn={toEditor} />
        <ClosedNotice tabs={tabs[0]} goOn={toEditor} />
        <ClosedNotice tabs={tabs[1]} goOn={toEditor} />
        <ActivityList activities={activities} goOn={toEditor} />
      </div>
      <SamplesDialog
        store={store}
        activities={activities}
        open={dialog === 'samples'}
        onClose={() => close('samples')}
        onLoaded={loaded}
      />
      <ImportDialog
        store={store}
        activities={activities}
        open={dialog === 'import'}
        files={files}
        onClose={() => close('import')}
        onImported={(table) => {
          store.changed()
          show(`SELECT * FROM ${qualified(table)} LIMIT 100`, table.name, true)
        }}
        onReplace={onReplace}
      />
      <ResetDialog
        store={store}
        open={dialog === 'reset'}
        onClose={() => close('reset')}
        onReset={onReset}
      />
      <DropHint isOver={isOver} />
    </div>
  )
}

const NONE: readonly TableInfo[] = []
const NO_FILES: readonly File[] = []

/** The queries of a sample as a script to go through. */
function scriptOf({ queries }: Sample): string {
  return queries.map(({ title, sql }) => `-- ${title}\n${sql};\n`).join('\n')
}
