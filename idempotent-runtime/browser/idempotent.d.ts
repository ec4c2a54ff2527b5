/** What `fetch` takes, and how often it may be tried. */
export interface Init extends RequestInit {
  /** How often it is sent at most. Defaults to 6; a body that is a stream is sent once. */
  tries?: number
  /** Called before the wait that follows the n-th try. */
  onRetry?: (n: number) => void
}

/** One thing that a person wants: everything sent through it carries the same key. */
export interface Intent {
  readonly key: string
  /**
   * Sends, and sends again: after a lost connection, 408, 423, 425, 429, 502, 503, 504, and 409 `in-progress`, no
   * sooner than `Retry-After` says.
   */
  fetch(input: RequestInfo | URL, init?: Init | null): Promise<Response>
}

/** A new intent; with a key, one that was begun before. */
export function intent(key?: string): Intent

/** Sends something new: an intent of its own. */
export function fetch(input: RequestInfo | URL, init?: Init | null): Promise<Response>

declare const api: { intent: typeof intent; fetch: typeof fetch }
export default api

/** As a plain script it leaves a global. */
export as namespace idempotent
