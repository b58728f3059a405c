import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FirnDBError } from '../src/errors.js'
import type { ClientMessage, HostMessage, Operation } from '../src/protocol.js'
import { type HostLink, Requests } from '../src/requests.js'

const query = (sql: string): Operation => ({ op: 'query', sql, params: [] })
const code = (expected: string) => (error: unknown) => error instanceof FirnDBError && error.code === expected

function leader(): { link: HostLink; sent: ClientMessage[]; asked(): string[] } {
  const sent: ClientMessage[] = []
  const link: HostLink = { post: (message) => sent.push(message), listen: () => undefined, close: () => undefined }
  const asked = () =>
    sent.flatMap((message) => (message.kind === 'request' && 'sql' in message.operation ? [message.operation.sql] : []))
  return { link, sent, asked }
}

const reply = (term: number, id: number): HostMessage => ({
  kind: 'answer',
  term,
  id,
  reply: { kind: 'affected', rows: id },
})

test('what is asked before there is a leader is sent to the first', async () => {
  const requests = new Requests()
  const answered = requests.submit(query('a'))
  const { link, asked } = leader()
  requests.connect(link, 7)
  assert.deepEqual(asked(), ['a'])
  requests.receive(reply(7, 1))
  assert.deepEqual(await answered, { reply: { kind: 'affected', rows: 1 }, term: 7 })
})

test('what was with a leader that went fails, what was not waits for the next', async () => {
  const requests = new Requests()
  const [first, second] = [leader(), leader()]
  requests.connect(first.link, 1)
  const lost = requests.submit(query('lost'))
  requests.lose(1)
  await assert.rejects(lost, code('Unavailable'))
  const kept = requests.submit(query('kept'))
  requests.connect(second.link, 2)
  assert.deepEqual([first.asked(), second.asked()], [['lost'], ['kept']])
  requests.receive(reply(2, 2))
  await kept
})

test('the last words of a leader are heard after the next has begun, for a while', async () => {
  const requests = new Requests()
  requests.connect(leader().link, 1)
  const [answered, lost] = [requests.submit(query('a')), requests.submit(query('b'))]
  requests.disconnect(1)
  requests.connect(leader().link, 2)
  requests.receive(reply(2, 2))
  requests.receive(reply(1, 1))
  await answered
  requests.lose(1)
  await assert.rejects(lost, /unknown: look it up/)
  assert.ok(requests.connected)
  requests.receive(reply(1, 2))
  await requests.idle()
})

test('a transaction ends with the leader that it was begun with', async () => {
  const requests = new Requests()
  requests.connect(leader().link, 1)
  const within = { op: 'query', sql: 'a', params: [], session: 1 } as const
  const flying = requests.submit(within, { term: 1 })
  const committing = requests.submit({ op: 'end', session: 1, commit: true }, { term: 1 })
  requests.lose(1)
  await assert.rejects(flying, /was rolled back/)
  await assert.rejects(committing, /unknown/)
  await assert.rejects(requests.submit(within, { term: 1 }), code('Unavailable'))
  requests.connect(leader().link, 2)
  await assert.rejects(requests.submit(within, { term: 1 }), code('Unavailable'))
})

test('a leader that hands over keeps its transactions and gets nothing else', async () => {
  const requests = new Requests()
  const [old, next] = [leader(), leader()]
  requests.connect(old.link, 1)
  const moved = requests.submit(query('moved'))
  requests.receive({ kind: 'leaving', term: 1 })
  assert.deepEqual(old.sent.at(-1), { kind: 'left', term: 1 })
  requests.receive({ kind: 'moved', term: 1, id: 1 })
  const later = requests.submit(query('later'))
  void requests.submit({ op: 'query', sql: 'within', params: [], session: 1 }, { term: 1 }).catch(() => undefined)
  assert.deepEqual(old.asked(), ['moved', 'within'])
  requests.lose(1)
  requests.connect(next.link, 2)
  assert.deepEqual(next.asked(), ['moved', 'later'])
  requests.receive(reply(2, 1))
  requests.receive(reply(2, 2))
  await Promise.all([moved, later])
})

test('an abort takes out what waits, and tells the leader of what it has', async () => {
  const requests = new Requests()
  const waits = new AbortController()
  const waiting = requests.submit(query('waits'), { signal: waits.signal })
  waits.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  const { link, sent, asked } = leader()
  requests.connect(link, 1)
  const runs = new AbortController()
  const running = requests.submit(query('runs'), { signal: runs.signal })
  runs.abort()
  await assert.rejects(running, { name: 'AbortError' })
  assert.deepEqual(asked(), ['runs'])
  assert.deepEqual(sent.at(-1), { kind: 'cancel', term: 1, id: 2 })
  await assert.rejects(requests.submit(query('never'), { signal: runs.signal }), { name: 'AbortError' })
  await requests.idle()
})

test('a value that cannot be sent is refused by itself', async () => {
  const requests = new Requests()
  const post = () => {
    throw new DOMException('() => {} could not be cloned.', 'DataCloneError')
  }
  requests.connect({ post, listen: () => undefined, close: () => undefined }, 1)
  await assert.rejects(requests.submit(query('a')), code('InvalidInput'))
  await requests.idle()
})

test('after the end everything is refused', async () => {
  const requests = new Requests()
  const waiting = requests.submit(query('a'))
  requests.end(new FirnDBError('Locked', 'reload'))
  await assert.rejects(waiting, code('Locked'))
  await assert.rejects(requests.submit(query('b')), code('Locked'))
})
