/** Light or dark: what the system says, unless somebody chose. */

import { recall, remember } from './remembered.js'

export const THEMES = ['system', 'light', 'dark'] as const
export type ThemeName = (typeof THEMES)[number]

/** The theme that was chosen. It is known before the store is open. */
export function keptTheme(): ThemeName {
  return themeCalled(recall('theme'))
}

export function themeCalled(name: string | undefined): ThemeName {
  return THEMES.find((theme) => theme === name) ?? 'system'
}

/** Shows the page in `theme`, and remembers it. */
export function applyTheme(theme: ThemeName): void {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme
  } else {
    document.documentElement.dataset.theme = theme
  }
  remember('theme', theme)
}
