import { header, type RequestContext } from '../http/context.ts';
import { invalidParameter, missingParameter } from '../http/refusal.ts';

/**
 * The SHA-1 that the header `digest` announces, as hex.
 *
 * Guarantees: the algorithm's name is taken in any case, and found among others, as RFC 3230 writes the header; clients
 * write both "sha=" and "SHA=".
 * Errors: 400 `missing_parameter` without the header, `invalid_parameter` for one without a SHA-1.
 */
export function announcedSha1(context: RequestContext): string {
  const sent = header(context, 'digest');
  if (sent === undefined) throw missingParameter('digest');
  for (const each of sent.split(',')) {
    const match = /^sha=([A-Za-z0-9+/]{27}=)$/i.exec(each.trim());
    if (match !== null) return Buffer.from(match[1] ?? '', 'base64').toString('hex');
  }
  throw invalidParameter('digest', "Invalid value. 'sha=' and the SHA-1 in base64 are expected.");
}
