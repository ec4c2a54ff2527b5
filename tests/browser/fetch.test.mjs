// What `fetch` of the script does, without a browser: `node --test`, run by `package.rs`.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, beforeEach, test as untimed } from 'node:test'
import { createRequire } from 'node:module'

const script = process.env.SCRIPT ?? new URL('../../idempotent-runtime/browser/idempotent.js', import.meta.url).pathname
const idempotent = createRequire(import.meta.url)(script)

// A test that hangs has failed.
const test = (name, work) => untimed(name, { timeout: 30000 }, work)

// Waits of the script are noted and not waited for.
const waits = []
const later = globalThis.setTimeout
globalThis.setTimeout = (work, ms, ...values) => {
  if (!new Error().stack.includes(script)) return later(work, ms, ...values)
  waits.push(ms)
  return later(work, 0)
}

let answers
const seen = []
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => { body += piece })
  request.on('end', () => {
    seen.push({ key: request.headers['idempotency-key'], body })
    const answer = answers[Math.min(seen.length, answers.length) - 1]
    answer(response)
  })
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const url = `http://127.0.0.1:${server.address().port}/orders`
after(() => server.close())
beforeEach(() => { seen.length = waits.length = 0 })

const says = (status, headers = {}, body = '') => (response) => {
  response.writeHead(status, headers)
  response.end(body)
}
const PROBLEM = { 'Content-Type': 'application/problem+json' }
const created = says(201, { 'Content-Type': 'application/json' }, '{"id":1}')

const post = (options) => idempotent.fetch(url, { method: 'POST', body: 'a book', ...options })

test('a server that may answer later is asked again with the same key', async () => {
  for (const status of [408, 423, 425, 429, 502, 503, 504]) {
    seen.length = 0
    answers = [says(status), created]
    assert.equal((await post()).status, 201, String(status))
    assert.equal(seen.length, 2, String(status))
    assert.deepEqual(seen[0], seen[1])
    assert.match(seen[0].key, /^"[0-9a-z]+"$/)
    assert.equal(seen[0].body, 'a book')
  }
  for (const status of [400, 404, 409, 422, 500, 501]) {
    seen.length = 0
    answers = [says(status), created]
    assert.equal((await post()).status, status)
    assert.equal(seen.length, 1, String(status))
  }
})

test('a request in progress is known by its header, in whatever format the answer is', async () => {
  const inProgress = [
    says(409, { 'Idempotency-Problem': 'in-progress', 'Content-Type': 'application/xml' }, '<busy/>'),
    says(409, PROBLEM, '{"type": "https://api.example/problems/in-progress"}'),
  ]
  for (const busy of inProgress) {
    seen.length = 0
    answers = [busy, created]
    assert.equal((await post()).status, 201)
  }
  const others = [
    says(409, { 'Idempotency-Problem': 'duplicate', ...PROBLEM }, '{"was": "in-progress"}'),
    says(409, { 'Content-Type': 'text/plain' }, '"type": "in-progress"'),
  ]
  for (const other of others) {
    seen.length = 0
    answers = [other, created]
    assert.equal((await post()).status, 409)
  }
})

test('nothing is sent before Retry-After, and not all at that moment', async () => {
  answers = [says(503, { 'Retry-After': '7' }), says(429, { 'Retry-After': new Date(Date.now() + 20000).toUTCString() }), created]
  await post()
  const [first, second] = waits
  assert.ok(first >= 7000 && first <= 8750, String(first))
  assert.ok(second > 15000 && second <= 25000, String(second))
  const spread = new Set()
  for (let time = 0; time < 8; time++) {
    seen.length = waits.length = 0
    answers = [says(503, { 'Retry-After': '7' }), created]
    await post()
    spread.add(waits[0])
  }
  assert.ok(spread.size > 1)
  seen.length = 0
  answers = [says(503, { 'Retry-After': '61' }), created]
  assert.equal((await post()).status, 503)
})

test('tries are bounded, and told', async () => {
  answers = [says(503)]
  const told = []
  assert.equal((await post({ tries: 3, onRetry: (n) => told.push(n) })).status, 503)
  assert.deepEqual([seen.length, told], [3, [1, 2]])
})

test('an answer that broke off is asked for again', async () => {
  const broken = (response) => {
    response.writeHead(201, { 'Content-Type': 'application/json' })
    response.write('{"id":')
    later(() => response.destroy(), 20)
  }
  answers = [broken, created]
  assert.deepEqual(await (await post()).json(), { id: 1 })
  assert.equal(seen.length, 2)
})

test('a stream reaches its reader as it comes', async () => {
  for (const type of ['text/event-stream', 'application/x-ndjson', 'application/octet-stream']) {
    let end
    answers = [(response) => {
      response.writeHead(200, { 'Content-Type': type })
      response.write('one')
      end = () => response.end('two')
    }]
    seen.length = 0
    const reader = (await post()).body.getReader()
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'one')
    end()
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'two')
  }
})

test('a body that is a stream is sent once', async () => {
  answers = [says(503), created]
  const body = new Blob(['a book']).stream()
  assert.equal((await post({ body, duplex: 'half' })).status, 503)
  assert.deepEqual(seen.map((one) => one.body), ['a book'])
})

test('any text can be a key', async () => {
  answers = [created]
  for (const [key, sent] of [
    ['order-1', '"order-1"'],
    ['say "hi" \\', '"say \\"hi\\" \\\\"'],
    ['naïve\n100%', '"na%C3%AFve%0A100%25"'],
    ['🦀', '"%F0%9F%A6%80"'],
  ]) {
    seen.length = 0
    const { key: kept, fetch } = idempotent.intent(key)
    await fetch(url, { method: 'POST' })
    assert.deepEqual([kept, seen[0].key], [key, sent])
  }
})

test('a key of its own, a Request and no options are taken', async () => {
  answers = [created]
  await post({ headers: { 'Idempotency-Key': 'mine' } })
  await idempotent.fetch(new Request(url, { method: 'POST', body: 'x' }))
  await idempotent.fetch(url, null)
  await idempotent.fetch(url)
  assert.deepEqual(seen.map((one) => one.body), ['a book', 'x', '', ''])
  assert.equal(seen[0].key, 'mine')
})

test('what is aborted is not sent again', async () => {
  answers = [says(503), created]
  const stop = new AbortController()
  const aborted = post({ signal: stop.signal, onRetry: () => stop.abort(new Error('enough')) })
  await assert.rejects(aborted)
  assert.equal(seen.length, 1)
})
