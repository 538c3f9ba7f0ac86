import { createHash, timingSafeEqual } from 'node:crypto';
import { LOOPBACK } from '../loopback.ts';

/** What a request says of itself. */
export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** Its Host header. */
  readonly host: string | undefined;
}

/** What a request must know, and where it must think it is. */
export interface Gate {
  readonly token: string;
  readonly port: number;
}

/** What becomes of a request: let in to a place below the token, sent to another address, or refused. */
export type Admission =
  | { readonly kind: 'admitted'; readonly place: string }
  | { readonly kind: 'moved'; readonly location: string }
  | { readonly kind: 'refused'; readonly status: 403 | 404 | 405; readonly words: string };

/** Secrets in an address: 128 bits. Units: bytes. */
const TOKEN_BYTES = 16;
/** Longer addresses than any page of ours has. */
const URL_MAX = 2000;

/** A token for the addresses of one server's life, of random bytes. */
export function newToken(randomBytes: (count: number) => Buffer): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether two secrets are equal. Guarantees: the time taken says nothing about where they differ. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

const refused = (status: 403 | 404 | 405, words: string): Admission => ({ kind: 'refused', status, words });

/**
 * Whether a request may see anything, and what.
 *
 * Guarantees: without the token nobody learns whether anything else of the request was right; a page of another site
 * whose name was made to mean this machine is refused by its Host header.
 */
export function admit({ method, url, host }: Asked, { token, port }: Gate): Admission {
  if (host !== `${LOOPBACK}:${port}` && host !== `localhost:${port}`)
    return refused(403, `only http://${LOOPBACK}:${port} is served`);
  const path = (url ?? '').split('?', 1)[0] ?? '';
  const [, given = '', ...rest] = path.slice(0, URL_MAX).split('/');
  if (!isSameSecret(given, token))
    return refused(404, 'nothing here: open the address that the program printed');
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'only GET is answered');
  if (rest.length === 0) return { kind: 'moved', location: `/${token}/` };
  return { kind: 'admitted', place: rest.join('/') };
}
