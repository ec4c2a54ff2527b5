/*! idempotent-runtime */
(() => {
  const HEADER = 'Idempotency-Key'
  // When a form is free again whose answer is no page: a 204, a download. Nobody tells of those.
  const LONGEST = 15000
  // Submitted forms, with what frees each, until the page is shown again or stays.
  const busy = new Map()

  const guarded = (form, button) => {
    const says = (name) => button?.getAttribute('form' + name) ?? form.getAttribute(name) ?? ''
    return form.dataset.idempotent !== 'off' &&
      /^post$/i.test(says('method')) && /^(_self)?$/.test(says('target')) &&
      // `mailto:` and the like lead nowhere.
      !/^\s*(?!https?:)[a-z][a-z\d+.-]*:/i.test(says('action'))
  }

  const freeAll = () => busy.forEach((free) => free())

  const hold = (form) => {
    const buttons = []
    const timer = setTimeout(() => busy.get(form)?.(), LONGEST)
    busy.set(form, () => {
      clearTimeout(timer)
      busy.delete(form)
      form.ariaBusy = null
      for (const button of buttons) button.disabled = false
    })
    form.ariaBusy = 'true'
    // Later, because a disabled button is not sent.
    setTimeout(() => {
      if (!busy.has(form)) return
      for (const button of form.elements) {
        if (button.type !== 'submit' || button.disabled) continue
        buttons.push(button)
        button.disabled = true
      }
    })
  }

  if (typeof document === 'object') {
    addEventListener('submit', (event) => {
      if (!busy.has(event.target)) return
      event.preventDefault()
      event.stopImmediatePropagation()
    }, true)
    // Last: who sends it by script has prevented the default by now.
    addEventListener('submit', (event) => {
      if (!event.defaultPrevented && guarded(event.target, event.submitter)) hold(event.target)
    })
    addEventListener('pageshow', freeAll)
    // A person pressed Stop, or was asked and stays.
    globalThis.navigation?.addEventListener('navigateerror', freeAll)
  }

  const newKey = () =>
    crypto.getRandomValues(new Uint32Array(4)).reduce((key, part) => key + part.toString(36), '')

  // A string of RFC 9651, which has no letters but those of ASCII.
  const quoted = (key) =>
    `"${key.replace(/[^ -~]|%/gu, encodeURIComponent).replace(/["\\]/g, '\\$&')}"`

  const wait = (ms, signal) => new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })

  const PASSES = [408, 423, 425, 429, 502, 503, 504]
  const isJson = (answer) => /[/+]json *(;|$)/i.test(answer.headers.get('Content-Type'))

  const isTemporary = async (answer) => {
    const { status, headers } = answer
    if (status !== 409) return PASSES.includes(status)
    const problem = headers.get('Idempotency-Problem')
    if (problem) return problem === 'in-progress'
    // Another origin may hide the header.
    return isJson(answer) && /"type":\s*"[^"]*\bin-progress"/.test(await answer.clone().text())
  }

  // Whether an answer is read before it is given on, since it may break off. A stream, which may last, is not.
  const isShort = (answer) => {
    const length = answer.headers.get('Content-Length')
    return isJson(answer) || (length && length <= 1 << 20)
  }

  const pauseOf = (answer) => {
    const after = answer.headers.get('Retry-After')
    return after ? (isNaN(after) ? Date.parse(after) - Date.now() : after * 1000) || 0 : 0
  }

  const send = async (key, input, options) => {
    const { tries = 6, onRetry, ...init } = options ?? {}
    // A stream can be sent once.
    const most = init.body?.getReader ? 1 : tries
    const request = new Request(input, init)
    const { headers, signal } = request
    if (!headers.has(HEADER)) headers.set(HEADER, quoted(key))
    for (let n = 1; ; n++) {
      const last = n >= most
      let pause = Math.min(250 * 2 ** n, 8000) * (0.5 + Math.random() / 2)
      try {
        const answer = await fetch(last ? request : request.clone())
        if (last) return answer
        if (isShort(answer)) await answer.clone().blob()
        const asked = pauseOf(answer)
        if (asked > 60000 || !(await isTemporary(answer))) return answer
        // Not all at the same moment.
        pause = Math.max(pause, asked * (1 + Math.random() / 4))
        answer.body?.cancel().catch(() => {})
      } catch (error) {
        if (last || signal.aborted) throw error
      }
      onRetry?.(n)
      await wait(pause, signal)
    }
  }

  // One thing that a person wants, however often it is sent.
  const intent = (key = newKey()) => ({ key, fetch: (...request) => send(key, ...request) })
  const api = { intent, fetch: (...request) => intent().fetch(...request) }
  if (typeof module === 'object') module.exports = api
  else globalThis.idempotent = api
})()
