/*! idempotent-runtime */
(() => {
  const HEADER = 'Idempotency-Key'
  // Submitted forms and their buttons, until the page is shown again.
  const busy = new Map()

  const guarded = (form, button) => {
    const says = (name) => button?.getAttribute('form' + name) ?? form.getAttribute(name) ?? ''
    return form.dataset.idempotent !== 'off' &&
      /^post$/i.test(says('method')) && /^(_self)?$/.test(says('target'))
  }

  if (typeof document === 'object') {
    addEventListener('submit', (event) => {
      if (!busy.has(event.target)) return
      event.preventDefault()
      event.stopImmediatePropagation()
    }, true)
    // Last: who sends it by script has prevented the default by now.
    addEventListener('submit', (event) => {
      const form = event.target
      if (event.defaultPrevented || !guarded(form, event.submitter)) return
      busy.set(form, [])
      form.ariaBusy = 'true'
      // Later, because a disabled button is not sent.
      setTimeout(() => {
        for (const button of form.elements) {
          if (button.type !== 'submit' || button.disabled) continue
          busy.get(form)?.push(button)
          button.disabled = busy.has(form)
        }
      })
    })
    addEventListener('pageshow', () => {
      for (const [form, buttons] of busy) {
        form.ariaBusy = null
        for (const button of buttons) button.disabled = false
      }
      busy.clear()
    })
  }

  const newKey = () =>
    crypto.getRandomValues(new Uint32Array(4)).reduce((key, part) => key + part.toString(36), '')

  const wait = (ms, signal) => new Promise((resolve, reject) => {
    setTimeout(resolve, ms)
    signal.addEventListener('abort', () => reject(signal.reason))
  })

  const isTemporary = async (answer) => answer.status === 503 || (answer.status === 409 &&
    /"type":\s*"[^"]*\bin-progress"/.test(await answer.clone().text()))

  const send = async (key, input, { tries = 6, onRetry, ...init } = {}) => {
    const request = new Request(input, init)
    const { headers, signal } = request
    if (!headers.has(HEADER)) headers.set(HEADER, `"${key}"`)
    for (let n = 1; ; n++) {
      let pause = Math.min(250 * 2 ** n, 8000) * (0.5 + Math.random() / 2)
      try {
        const answer = await fetch(request.clone())
            await answer.clone().blob() // or it broke off
        const asked = 1000 * answer.headers.get('Retry-After')
        if (n >= tries || asked > 60000 || !(await isTemporary(answer))) return answer
        pause = Math.max(pause, asked || 0)
      } catch (error) {
        if (n >= tries || signal.aborted) throw error
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
