/** Everything that is known of one file. */

import type { ReactNode } from 'react'
import { PassingButton } from '../style/focus.js'
import { bytes, count, counted, share } from '../style/numbers.js'
import { labelOf, type Outcome, OUTCOMES } from './outcomes.js'
import { unixMsOf } from './seq.js'
import { type BatchFile, isLive, type KeyColumn } from './snapshot.js'
import { fileName, moment } from './wording.js'

export interface FileDetailsProps {
  readonly file: BatchFile
  readonly keyColumn: KeyColumn | undefined
  readonly outcome: Outcome | undefined
  onClose(): void
  /** Moves the focus on from the button that closes it. */
  goOn(): void
}

export function FileDetails({ file, keyColumn, outcome, onClose, goOn }: FileDetailsProps) {
  const key = keyColumn?.name ?? 'key'
  return (
    <div className="storage-details" role="group" aria-label={`Details of ${fileName(file.number)}`}>
      <div className="storage-details-head">
        <strong>{fileName(file.number)}</strong>
        <PassingButton goOn={goOn} className="storage-plain" onClick={onClose} aria-label="Close the details">
          ×
        </PassingButton>
      </div>
      <dl>
        <Entry name="Status">{isLive(file) ? file.status : 'replaced: garbage until it is collected'}</Entry>
        {outcome && isLive(file) && (
          <Entry name="Last statement">
            {labelOf(outcome)}: {OUTCOMES.find((each) => each.outcome === outcome)?.why}
          </Entry>
        )}
        <Entry name="Rows">{count(file.rows)}</Entry>
        <Entry name="Hidden rows">
          {file.deadRows === 0 ? 'none' : `${count(file.deadRows)}, ${share(file.deadRows / file.rows)} of them`}
        </Entry>
        <Entry name="Size">
          {bytes(file.bytes)} in {counted(file.rowGroups, 'row group')}
        </Entry>
        <Entry name={`Lowest ${key}`}>{file.minKey ?? 'not known'}</Entry>
        <Entry name={`Highest ${key}`}>{file.maxKey ?? 'not known'}</Entry>
        <Entry name="Commits">
          {moment(unixMsOf(file.minSeq))} to {moment(unixMsOf(file.maxSeq))}
        </Entry>
        <Entry name="_seq">
          {String(file.minSeq)} to {String(file.maxSeq)}
        </Entry>
        <Entry name="Columns as of">schema version {file.schemaVersion}</Entry>
        <Entry name="Path">{file.path}</Entry>
      </dl>
    </div>
  )
}

function Entry({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
