/**
 * Where the page begins: the engine is started before anything else is even loaded, since it takes longest, and all else is
 * loaded and drawn meanwhile.
 */

import { registerOffline } from './engine/offline.js'
import { Visit } from './engine/visit.js'
import './style/tokens.css'
import './style/page.css'
import { applyTheme, keptTheme } from './style/theme.js'

// Before anything is drawn in the other one.
applyTheme(keptTheme())
const place = document.getElementById('app')
if (place) {
  const page = import('./workbench/page.js')
  const visit = new Visit(async (store) => (await page).prepare(store))
  page.then(
    ({ draw }) => draw(place, visit),
    (error: unknown) => {
      place.setAttribute('role', 'alert')
      place.textContent = `The page could not be loaded; load it again. (${error instanceof Error ? error.message : String(error)})`
    },
  )
}
registerOffline()
