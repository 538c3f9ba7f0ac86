import { randomName } from '../../../random.ts';
import type { Box } from '../box.ts';
import type { UserRow } from '../store/rows.ts';
import type { Authority, StoredToken } from '../store/tokens.ts';

/** What a full token of this app may do for this user. */
export function fullAuthority(box: Box, user: UserRow): Authority {
  const scopes = box.application.grant?.scopes ?? [];
  // With the global content manager's scope a service account reads everything and writes nothing in its own name.
  const reduced =
    scopes.includes('gcm') && user.kind === 'service'
      ? scopes.filter((scope) => scope !== 'root_readwrite')
      : scopes;
  return { scopes: reduced, restrictions: null };
}

/** Issue a token that lives for the time that the settings say. */
export function issueToken(box: Box, user: UserRow, authority: Authority): StoredToken {
  const token: StoredToken = {
    token: randomName(box.random, 32),
    userId: user.id,
    expiresAt: box.clock.now() + box.settings.values.tokenLifetimeS * 1000,
    authority,
  };
  box.store.tokens.add(token);
  return token;
}
