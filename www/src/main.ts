/**
 * Where the page begins: the engine is started before anything else is even loaded, since it takes longest, and all else is
 * loaded and drawn meanwhile.
 */

import { registerOffline } from './engine/offline.js'
import { Store } from './engine/store.js'
import './style/tokens.css'
import './style/page.css'
import { applyTheme, keptTheme } from './style/theme.js'

// Before anything is drawn in the other one.
applyTheme(keptTheme())
const place = document.getElementById('app')
if (place) {
  const opening = Store.open()
  // Whoever draws the page says what went wrong.
  opening.catch(() => undefined)
  import('./workbench/page.js').then(
    ({ draw }) => draw(place, opening),
    (error: unknown) => {
      place.setAttribute('role', 'alert')
      place.textContent = `The page could not be loaded; load it again. (${error instanceof Error ? error.message : String(error)})`
    },
  )
}
registerOffline()
