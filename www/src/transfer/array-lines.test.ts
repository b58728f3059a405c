import { expect, test } from 'vitest'
import { linesOfArray } from './array-lines.js'

async function lines(text: string, pieceBytes: number): Promise<string> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close()
        return
      }
      controller.enqueue(bytes.slice(at, at + pieceBytes))
      at += pieceBytes
    },
  })
  return await new Response(stream.pipeThrough(linesOfArray()) as ReadableStream<Uint8Array<ArrayBuffer>>).text()
}

const ROWS = [{ a: 1 }, { a: '],[{"\\" é\n', b: [[1, { c: '}' }], {}] }, {}, { a: null }]

test.each([1, 2, 3, 1000])('an object a line, whatever pieces of %i bytes come', async (pieceBytes) => {
  for (const space of [0, 2]) {
    for (const [before, after] of [['', ''], ['\ufeff \r\n', '\n\n']] as const) {
      const out = await lines(before + JSON.stringify(ROWS, null, space) + after, pieceBytes)
      expect(out.trimEnd().split('\n').map((line) => JSON.parse(line))).toEqual(ROWS)
    }
  }
  expect(await lines('[]', pieceBytes)).toBe('')
  expect(await lines('[{},{},{},{}]', pieceBytes)).toBe('{}\n{}\n{}\n{}\n')
})

test.each(['', '{}', '[', '[{}', '[{},', '[{},]', '[,{}]', '[{}{}]', '[{},,{}]', '[{}]]', '[{}] {}', '[1]', '["x"]', '[{"a":"]', '[{"a":[1}'])(
  '%s is refused',
  async (text) => {
    await expect(lines(text, 2)).rejects.toThrow()
  },
)
