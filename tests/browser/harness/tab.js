/** A tab with the package in it, and one open database. */

/** Opens a tab on the page of the tests, without a database. */
export async function newTab(browser, server, page = 'index.html') {
  const tab = await browser.context.newPage()
  tab.on('pageerror', (error) => console.error('    page:', error.message))
  if (process.env.SHOW_CONSOLE) {
    tab.on('console', (message) => console.error('    console:', message.text()))
  }
  await tab.goto(`${server.origin}/${page}`)
  await tab.waitForFunction(() => globalThis.FirnDB !== undefined)
  return tab
}

/** Opens a tab and the database `name` in it. */
export async function open(browser, server, name, options = {}) {
  const tab = await newTab(browser, server)
  await openIn(tab, name, options)
  return tab
}

/** Opens the database `name` in a tab that is there. */
export async function openIn(tab, name, options = {}) {
  const failed = await tab.evaluate(
    async ([name, options]) => {
      try {
        globalThis.db = await globalThis.FirnDB.open(name, options)
        return null
      } catch (error) {
        return { code: error.code, message: error.message }
      }
    },
    [name, options],
  )
  if (failed) {
    throw refusal(failed)
  }
}

/** Runs one statement in a tab; what is thrown has the engine's `code`. */
export async function query(tab, sql, params = [], options = {}) {
  const answer = await tab.evaluate(
    async ([sql, params, options]) => {
      try {
        return { result: await globalThis.db.query(sql, params, options) }
      } catch (error) {
        return { failed: { code: error.code, message: error.message } }
      }
    },
    [sql, params, options],
  )
  if (answer.failed) {
    throw refusal(answer.failed)
  }
  return answer.result
}

/** The rows of a query. */
export async function rows(tab, sql, params) {
  return (await query(tab, sql, params)).rows
}

function refusal({ code, message }) {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
