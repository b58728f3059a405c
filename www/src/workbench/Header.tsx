/** The head of the page: data in and out, one pane or two, light or dark. */

import { useState } from 'react'
import { applyTheme, keptTheme, themeCalled, THEMES, type ThemeName } from '../style/theme.js'
import { Mark } from './Mark.js'
import { Menu } from './Menu.js'

interface Properties {
  readonly split: boolean
  onSamples(): void
  onImport(): void
  onExport(): void
  onReset(): void
  onSplit(): void
}

export function Header({ split, onSamples, onImport, onExport, onReset, onSplit }: Properties) {
  return (
    <header className="header">
      <Mark />
      <h1 className="header-title">
        FirnDB <span>playground</span>
      </h1>
      <div className="header-actions">
        <button type="button" onClick={onSamples}>
          Samples
        </button>
        <button type="button" onClick={onImport}>
          Import
        </button>
        <button type="button" className="header-wide" aria-pressed={split} onClick={onSplit}>
          Two users
        </button>
        <Menu label="More">
          <button type="button" className="header-narrow" aria-pressed={split} onClick={onSplit}>
            {split ? 'One pane' : 'Two users side by side'}
          </button>
          <button type="button" onClick={onExport}>
            Export the whole store
          </button>
          <Theme />
          <a href="./THIRD-PARTY.txt" target="_blank" rel="noreferrer">
            Licences
          </a>
          <button type="button" className="danger" onClick={onReset}>
            Delete everything …
          </button>
        </Menu>
      </div>
    </header>
  )
}

function Theme() {
  const [theme, setTheme] = useState(keptTheme)
  const choose = (to: ThemeName) => {
    applyTheme(to)
    setTheme(to)
  }
  return (
    <label className="header-theme">
      Theme
      <select value={theme} onChange={(event) => choose(themeCalled(event.target.value))}>
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  )
}
