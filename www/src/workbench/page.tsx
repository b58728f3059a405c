/** Draws the page. */

import { createRoot } from 'react-dom/client'
import type { Store } from '../engine/store.js'
import { App } from './App.js'

/** Draws the page in `place`, of the store that is being opened. */
export function draw(place: HTMLElement, opening: Promise<Store>): void {
  createRoot(place).render(<App opening={opening} />)
}
