// Follows the process for five minutes, as the server tells; then a button asks for more.
const [live, state, again] = ['live', 'state', 'again'].map((id) => document.getElementById(id))

const follow = () => {
  const source = new EventSource('events')
  const end = (why) => {
    source.close()
    state.textContent = why
    again.hidden = false
  }
  state.textContent = 'These numbers follow the process.'
  source.addEventListener('live', (event) => { live.innerHTML = event.data })
  source.addEventListener('over', () => end('These numbers stand still.'))
  source.addEventListener('error', () => end('The process cannot be followed: these numbers stand still.'))
}

again.addEventListener('click', () => {
  // The button goes, and what it did is read out.
  state.tabIndex = -1
  state.focus()
  again.hidden = true
  follow()
})
follow()
