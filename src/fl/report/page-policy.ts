import { createHash } from 'node:crypto';
import { LIVE_SCRIPT } from './live-script.ts';
import { PAGE_STYLE } from './page-style.ts';

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const STYLE = `default-src 'none'; style-src ${hashOf(PAGE_STYLE.markup)}`;

/** What a browser allows a page in a file: its own look, and nothing else. */
export const STILL_POLICY = STYLE;

/**
 * What a browser allows a page that is served: its own look, its own script, and words from where it came from.
 *
 * Source: Content Security Policy Level 3, hashes of inline elements.
 */
export const LIVE_POLICY = [
  STYLE,
  `script-src ${hashOf(LIVE_SCRIPT.markup)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
