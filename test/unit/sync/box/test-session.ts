import { silentLogger } from '../../../../src/logger.ts';
import type { Access } from '../../../../src/sync/box/access.ts';
import { type BoxSession, openSession } from '../../../../src/sync/box/session.ts';
import type { TransportDeps } from '../../../../src/sync/box/transport.ts';
import { testTransport } from './raw-server.ts';

/** A session whose token is always "T", at a raw server. */
export function testSession(url: string, overrides: Partial<TransportDeps> = {}) {
  const { transport, calls, clock } = testTransport(overrides);
  const access: Access = { token: async () => 'T', refuse() {}, headers: {} };
  const baseUrls = { api: url, upload: `${url}/api`, oauth2: `${url}/oauth2` };
  const session: BoxSession = openSession({ transport, access, baseUrls, logger: silentLogger });
  return { session, calls, clock };
}
