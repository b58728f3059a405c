/** What lies in the Origin Private File System, as a page sees it while a worker writes there. */

/** Paths of the files of the store `name`, whose name needs no encoding; those on their way are in `.firndb-temp`. */
export function filesOf(tab, name) {
  return tab.evaluate(filesBelow, name)
}

/** Runs `sql` in `tab` until it is seen to write a file of the store; what comes of it is in `globalThis.outcome`. */
export async function beginToWrite(tab, name, sql) {
  await tab.evaluate(`globalThis.filesBelow = ${filesBelow}`)
  return tab.evaluate(
    async ([name, sql]) => {
      const { db, filesBelow } = globalThis
      const before = new Set(await filesBelow(name))
      let ended = false
      globalThis.outcome = db.query(sql).then(() => 'ok', (error) => error.code)
      void globalThis.outcome.then(() => (ended = true))
      while (!ended) {
        const fresh = (await filesBelow(name)).filter((path) => !before.has(path))
        if (fresh.length > 0 && !ended) {
          return fresh
        }
      }
      return []
    },
    [name, sql],
  )
}

/** Runs in the page. */
async function filesBelow(name) {
  const walk = async (found, directory, path) => {
    for await (const [part, handle] of directory.entries()) {
      if (handle.kind === 'file') {
        found.push(path + part)
      } else {
        await walk(found, handle, `${path}${part}/`)
      }
    }
    return found
  }
  for (let left = 100; ; left--) {
    try {
      const all = await (await navigator.storage.getDirectory()).getDirectoryHandle('firndb')
      return await walk([], await all.getDirectoryHandle(name), '')
    } catch (error) {
      // What is moved or removed while it is listed: a part of a list would be no answer.
      if (error.name !== 'NotFoundError' || left === 0) {
        throw error
      }
    }
  }
}
