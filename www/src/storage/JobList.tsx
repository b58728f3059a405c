/** Jobs that are under way: how far they are, and how they are cancelled. */

import { share } from '../style/numbers.js'
import { CommandButton } from './CommandButton.js'
import { isUnderWay } from './snapshot.js'
import { killJob } from './sql.js'
import type { Watched } from './watch.js'

export function JobList({ watched }: { watched: Watched }) {
  const jobs = watched.snapshot?.jobs?.filter(isUnderWay) ?? []
  if (jobs.length === 0) {
    return null
  }
  return (
    <ul className="storage-jobs" aria-label="Jobs under way">
      {jobs.map((job) => {
        const name = `${nameOf(job.type)}, job ${job.id}`
        return (
          <li key={job.id}>
            <span>{name}</span>
            <progress aria-label={name} max={1} {...(job.state === 'running' ? { value: job.progress } : {})} />
            <span className="storage-muted">{job.state === 'running' ? share(job.progress) : 'waits'}</span>
            <CommandButton watched={watched} command={killJob(job.id)} name={`Cancel ${name}`}>
              Cancel
            </CommandButton>
          </li>
        )
      })}
    </ul>
  )
}

function nameOf(type: string): string {
  return NAMES[type] ?? type.replaceAll('_', ' ')
}

const NAMES: Readonly<Record<string, string>> = {
  flush: 'Flush',
  compact: 'Compaction',
  collect_garbage: 'Garbage collection',
  evict_expired: 'Removal of expired rows',
  expire_tombstones: 'Removal of old deletions',
  expire_audit: 'Removal of old audit entries',
  evict_manifests: 'Removal of cached manifests',
  rebuild_manifest: 'Rebuilding a manifest',
}
