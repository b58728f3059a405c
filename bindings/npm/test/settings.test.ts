import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingTexts } from '../src/settings.js'

test('settings become text', () => {
  const settings = { 'flush.rows': 7, 'flush.bytes': 1n << 60n, 'writer.read_only': false, 'writer.durability': 'relaxed', 'hot.bytes': undefined }
  assert.deepEqual(settingTexts(settings), {
    'flush.rows': '7',
    'flush.bytes': '1152921504606846976',
    'writer.read_only': 'false',
    'writer.durability': 'relaxed',
  })
})

test('what is no value of a setting is refused', () => {
  for (const settings of [{ 'flush.rows': 0.5 }, { 'flush.rows': NaN }, { 'flush.rows': null }, { flush: { rows: 1 } }]) {
    assert.throws(() => settingTexts(settings), { code: 'InvalidInput', message: /^the setting flush/ })
  }
  for (const settings of ['flush.rows=1', [], null, 1]) {
    assert.throws(() => settingTexts(settings), { code: 'InvalidInput', message: /option settings/ })
  }
})
