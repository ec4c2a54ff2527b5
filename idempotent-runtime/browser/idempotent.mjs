import * as script from './idempotent.js'

// Node and bundlers give what the script exports. A browser runs it, and it leaves a global.
const { intent, fetch } = script.default ?? globalThis.idempotent

export { intent, fetch }
export default { intent, fetch }
