/** Where the page begins. */

import { createRoot } from 'react-dom/client'
import { registerOffline } from './engine/offline.js'
import './style/tokens.css'
import './style/page.css'
import { applyTheme, keptTheme } from './style/theme.js'
import { App } from './workbench/App.js'

// Before anything is drawn in the other one.
applyTheme(keptTheme())
const place = document.getElementById('app')
if (place) {
  createRoot(place).render(<App />)
}
registerOffline()
