/** How the editor looks: the colours of the page, in both of its themes. */

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const LOOK = EditorView.theme({
  '&': { height: '100%', fontSize: 'var(--size)', backgroundColor: 'var(--surface)', color: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '0.5rem 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--selected) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', border: '1px solid var(--line)', color: 'var(--text)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)' },
  '.cm-diagnostic': { fontFamily: 'var(--mono)', whiteSpace: 'pre-wrap', maxWidth: '40rem' },
})

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: 'light-dark(#0b5e8e, #6cc1f2)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'light-dark(#1b6b37, #8fd6a3)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'light-dark(#9a4a00, #fbbf4d)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.typeName, color: 'light-dark(#6b3fa0, #c3a5f5)' },
  { tag: tags.standard(tags.name), color: 'light-dark(#6b3fa0, #c3a5f5)' },
])

export const COLOURING = [LOOK, syntaxHighlighting(COLOURS)]
