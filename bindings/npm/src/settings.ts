/** Settings of the engine, as an application gives them and as the engine reads them. */

import { FirnDBError } from './errors.js'
import type { SettingValue } from './types.js'

/** The values of `settings` as text; one that is `undefined` is not given. The engine knows which names and values there are. */
export function settingTexts(settings: unknown): Record<string, string> {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new FirnDBError('InvalidInput', "the option settings is an object such as { 'flush.rows': 10000 }")
  }
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) {
      texts[name] = text(name, value)
    }
  }
  return texts
}

function text(name: string, value: unknown): string {
  const isValue = ['string', 'bigint', 'boolean'].includes(typeof value) || Number.isSafeInteger(value)
  if (!isValue) {
    throw new FirnDBError('InvalidInput', `the setting ${name} is a text, an integer or a boolean`)
  }
  return String(value as SettingValue)
}
