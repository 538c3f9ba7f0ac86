import type { UserRow } from '../store/rows.ts';
import type { StoredToken } from '../store/tokens.ts';

/** In whose name, and how freely, a request acts. */
export interface Actor {
  readonly user: UserRow;
  readonly token: StoredToken;
  readonly scopes: ReadonlySet<string>;
  /** True when the request acts for another than the token's own user. */
  readonly asUser: boolean;
}
