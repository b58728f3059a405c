import { expect, test } from 'vitest'
import { type Rows, partsOf } from './parts.js'

async function split(text: string, rows: Rows, partBytes: number, pieceBytes: number): Promise<[number, string][]> {
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
  const parts: [number, string][] = []
  for await (const { line, pieces } of partsOf(stream, rows, partBytes)) {
    const decoder = new TextDecoder()
    let part = ''
    for await (const piece of pieces) {
      part += decoder.decode(piece, { stream: true })
    }
    parts.push([line, part])
  }
  return parts
}

const CSV = 'a,b\n1,"x\ny"\n2,"say ""hi"",\n"\n3,é\n4,z\n5,end'

test.each([1, 2, 3, 7, 1000])('parts end with rows, whatever pieces of %i bytes come', async (pieceBytes) => {
  for (const partBytes of [1, 4, 5, 12, 20, 1000]) {
    const parts = await split(CSV, 'csv', partBytes, pieceBytes)
    expect(parts.map(([, part]) => part).join('')).toBe(CSV)
    for (const [at, [line, part]] of parts.entries()) {
      const before = parts.slice(0, at).map(([, part]) => part).join('')
      expect(line).toBe(before.split('\n').length)
      expect(part.split('"').length % 2, part).toBe(1)
      if (at < parts.length - 1) {
        expect(part.endsWith('\n')).toBe(true)
        expect(new TextEncoder().encode(part).length).toBeGreaterThanOrEqual(partBytes)
      }
    }
  }
  expect((await split(CSV, 'csv', 1, pieceBytes)).map(([, part]) => part)).toEqual([
    ...['a,b\n', '1,"x\ny"\n', '2,"say ""hi"",\n"\n', '3,é\n', '4,z\n', '5,end'],
  ])
})

test('lines end where they end, in quotes or not', async () => {
  expect(await split('{"a":"\\""}\n{"b":1}\n', 'lines', 1, 4)).toEqual([
    [1, '{"a":"\\""}\n'],
    [2, '{"b":1}\n'],
  ])
  expect(await split('', 'lines', 1, 4)).toEqual([])
})
