/** Looks at files away from the page, which stays quick however odd they are. */

import { csvHead } from './csv-head.js'
import { type Format, type Head, type Hints, Unreadable } from './head.js'
import { jsonHead } from './json-head.js'
import { parquetHead } from './parquet-head.js'
import { textOf } from './text.js'

/** A file to look at. */
export interface Look {
  readonly file: File
  readonly format: Format
  readonly hints: Hints
}

/** What was seen. */
export type Seen = { readonly head: Head } | { readonly message: string }

const scope = self as unknown as {
  onmessage: ((message: MessageEvent<Look>) => void) | null
  postMessage(seen: Seen): void
}

scope.onmessage = ({ data }) => {
  headOf(data).then(
    (head) => scope.postMessage({ head }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error)
      scope.postMessage({ message: error instanceof Unreadable ? message : `The file cannot be read: ${message}` })
    },
  )
}

async function headOf({ file, format, hints }: Look): Promise<Head> {
  switch (format) {
    case 'csv':
      return csvHead(await textOf(file), file.name, hints)
    case 'json':
      return jsonHead(await textOf(file))
    case 'parquet':
      return await parquetHead(file)
  }
}
