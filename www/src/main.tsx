/** Where the page begins. */

import { createRoot } from 'react-dom/client'
import { registerOffline } from './engine/offline.js'
import './style/tokens.css'
import './style/page.css'
import { App } from './workbench/App.js'

const place = document.getElementById('app')
if (place) {
  createRoot(place).render(<App />)
}
registerOffline()
