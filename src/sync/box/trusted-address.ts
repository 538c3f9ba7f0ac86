import { TransientError } from '../../errors.ts';
import type { BoxBaseUrls } from './box-configuration.ts';
import { isLoopback } from './dispatchers.ts';

/** Box's own domains: the API and uploads, content, and the realtime servers. */
const BOX_DOMAINS = ['box.com', 'boxcloud.com', 'realtime.services.box.net'] as const;

const isBelow = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);

function isTrusted(url: URL, baseUrls: BoxBaseUrls): boolean {
  // Whoever writes an account into an address wants the host overlooked.
  if (url.username !== '' || url.password !== '') return false;
  const configured = [baseUrls.api, baseUrls.upload, baseUrls.oauth2].map((base) => new URL(base));
  // What a person configured gets every token already, also over a plain line.
  if (configured.some(({ origin }) => origin === url.origin)) return true;
  const host = url.hostname.toLowerCase();
  const isConfigured = configured.some(({ hostname }) => hostname.toLowerCase() === host);
  if (url.protocol === 'http:') return isConfigured && isLoopback(host);
  return url.protocol === 'https:' && (isConfigured || BOX_DOMAINS.some((domain) => isBelow(host, domain)));
}

/**
 * An address out of an answer, to which a token or a session's proof may be sent.
 *
 * Guarantees: TLS, or this machine where Box is configured to be on it; a host of the configured addresses or below one
 * of Box's domains.
 * Errors: TransientError 'answer-malformed' for every other one: nothing is asked there.
 */
export function trustedAddress(address: string, what: string, baseUrls: BoxBaseUrls, relativeTo?: URL): URL {
  const base = relativeTo?.href;
  const url = URL.canParse(address, base) ? new URL(address, base) : null;
  if (url !== null && isTrusted(url, baseUrls)) return url;
  throw new TransientError({
    code: 'answer-malformed',
    message: `Box named an address for ${what} that is none of its own${url === null ? '' : `: ${url.host}`}`,
    hint: 'If a proxy stands between here and Box, ask who runs it; nothing was sent to that address.',
    ...(url === null ? {} : { data: { host: url.host } }),
  });
}
