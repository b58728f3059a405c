/** Draws the page. */

import { createRoot } from 'react-dom/client'
import type { Visit } from '../engine/visit.js'
import { App } from './App.js'
import type { Opened } from './opened.js'

export { prepare } from './opened.js'

/** Draws the page in `place`, of the store that is opened in `visit`. */
export function draw(place: HTMLElement, visit: Visit<Opened>): void {
  createRoot(place).render(<App visit={visit} />)
}
