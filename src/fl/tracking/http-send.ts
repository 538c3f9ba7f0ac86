/** One request of HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  /** The body, as far as it is kept. */
  readonly text: string;
}

/**
 * Sends a request and takes its answer, whatever the status.
 *
 * Guarantees: it ends within bounded time; no redirection is followed, so that a token goes nowhere else.
 * Errors: TransientError 'unreachable', which names the host only: an address may be a secret.
 */
export type HttpSend = (request: HttpRequest) => Promise<HttpAnswer>;
