/**
 * Keeps the files of one build, and answers with them; `writeBundle` of offline.ts fills in which. Data of samples are kept
 * once somebody has loaded them.
 *
 * How one build follows another, without a page that has files of two:
 *
 * - Names of files have a hash of what is in them, so a name that two builds have is the same file in both. The document is
 *   what has none, and it names the others: whoever gets one document gets all of one build.
 * - A build is installed beside those that are there, as a whole or not at all: where one file cannot be had nothing is kept,
 *   and the browser tries again the next time. What another build has already is copied, the engine above all.
 * - It takes over at once (`skipWaiting`). To wait until every tab is closed would be for days. That is safe because nothing
 *   is taken from the pages that run: what they ask for is looked up in the caches of all builds. The next navigation gets the
 *   new document; so a page is up to date the second time it is opened after a change, and never waits for the network.
 * - The cache of a build goes when no page of it is open. Which build a page is of is written down when it is given the
 *   document. As long as there is a page of which nobody knows, nothing goes: that is the first of all, which came from the
 *   network.
 * - Tabs of two builds with two versions of the engine are kept apart by the package: the later gets `Locked`, and the page
 *   says to reload.
 */

const VERSION = __VERSION__
/** The files of this build; the empty name is the document. */
const FILES = __FILES__
const SCOPE = new URL('./', self.location.href)
/** Caches belong to an origin, which may have several of these pages. */
const PREFIX = `firndb-playground ${SCOPE.pathname} `
const BUILDS = `${PREFIX}build `
const CACHE = BUILDS + VERSION
const PAGES = `${PREFIX}pages`
const SAMPLES = `${PREFIX}samples ${__SAMPLES__}`
/** What the network answers stands for whatever asks, since no answer depends on that. */
const MATCH = { ignoreVary: true }

self.addEventListener('install', (event) => {
  event.waitUntil(install().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) {
    return
  }
  const name = url.pathname.slice(SCOPE.pathname.length)
  if (request.mode === 'navigate') {
    if (name === '' || name === 'index.html') {
      event.respondWith(page(event))
    } else if (FILES.includes(name)) {
      // A text to read. Other documents below the page are not of the build.
      event.respondWith(file(name, request))
    }
  } else if (name.startsWith('samples/')) {
    event.respondWith(sample(event))
  } else if (name !== 'service-worker.js') {
    event.respondWith(file(name, request))
  }
})

async function install() {
  const cache = await caches.open(CACHE)
  try {
    await Promise.all(FILES.map((name) => keep(name, cache)))
  } catch (error) {
    await caches.delete(CACHE)
    throw error
  }
}

async function keep(name, cache) {
  const url = new URL(name, SCOPE).href
  // Only what has its hash in the name is the same wherever it lies.
  const isHashed = name.startsWith('assets/')
  const known = isHashed ? await caches.match(url, MATCH) : undefined
  const response = known ?? (await fetch(url, { cache: isHashed ? 'default' : 'no-cache' }))
  if (!response.ok) {
    throw new Error(`${url}: ${response.status}`)
  }
  if (name === '') {
    checkDocument(await response.clone().text())
  }
  // A navigation must not be answered with what was redirected.
  await cache.put(url, response.redirected ? new Response(response.body, { headers: response.headers }) : response)
}

/** Refuses a document of another build, which may be there when files are being replaced; others than that may add to it. */
function checkDocument(text) {
  const other = [...text.matchAll(/["'](?:\.\/)?(assets\/[^"'?#]+)/g)].find(([, name]) => !FILES.includes(name))
  if (other) {
    throw new Error(`the document is of another build: it has ${other[1]}`)
  }
}

/** The document of this build. */
async function page(event) {
  const kept = await inCache(CACHE, '')
  if (!kept) {
    return fetch(event.request)
  }
  event.waitUntil(
    caches
      .open(PAGES)
      .then((pages) => pages.put(pageUrl(event.resultingClientId), new Response(CACHE)))
      .then(() => tidy(event.resultingClientId))
      .catch(() => undefined),
  )
  return kept
}

/** The file `name` of this build, or of another that is there, or else from the network. */
async function file(name, request) {
  const builds = await caches.keys().catch(() => [])
  for (const build of [CACHE, ...builds.filter((each) => each.startsWith(BUILDS))]) {
    const kept = await inCache(build, name)
    if (kept) {
      return kept
    }
  }
  return fetch(request)
}

async function sample(event) {
  const { pathname } = new URL(event.request.url)
  const kept = await inCache(SAMPLES, pathname)
  if (kept) {
    return kept
  }
  const response = await fetch(event.request)
  if (response.ok) {
    const copy = response.clone()
    // Whether there is room for it is nothing to whoever asked.
    event.waitUntil(
      caches
        .open(SAMPLES)
        .then((cache) => cache.put(new URL(pathname, SCOPE).href, copy))
        .catch(() => undefined),
    )
  }
  return response
}

/** What `cache` has; a browser that has taken its storage from the page has nothing. */
async function inCache(cache, name) {
  try {
    return await (await caches.open(cache)).match(new URL(name, SCOPE).href, MATCH)
  } catch {
    return undefined
  }
}

/** Removes the builds that no open page is of; the page `coming` is about to be one. */
async function tidy(coming) {
  const pages = await caches.open(PAGES)
  const open = (await self.clients.matchAll({ type: 'window', includeUncontrolled: true })).filter(({ url }) =>
    url.startsWith(SCOPE.href),
  )
  const used = new Set([CACHE])
  for (const { id } of open) {
    const build = await pages.match(pageUrl(id))
    if (!build) {
      return
    }
    used.add(await build.text())
  }
  for (const name of await caches.keys()) {
    const isOld = name.startsWith(BUILDS) ? !used.has(name) : name.startsWith(`${PREFIX}samples `) && name !== SAMPLES
    if (isOld) {
      await caches.delete(name)
    }
  }
  const known = new Set([coming, ...open.map(({ id }) => id)].map(pageUrl))
  for (const { url } of await pages.keys()) {
    // Another that is just being opened may be forgotten: then nothing goes while it is there.
    if (!known.has(url)) {
      await pages.delete(url)
    }
  }
}

/** Under which address it is written down what build a page is of. */
function pageUrl(id) {
  return new URL(`page/${id}`, SCOPE).href
}
