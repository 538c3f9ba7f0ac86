import { randomBelow } from '../../../random.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import type { ActorContext } from '../http/context.ts';
import { renderMiniUser } from '../render/users.ts';
import { requireUnlocked } from './locks.ts';
import { reread, tell } from './tree-operations.ts';

/** A lock as it is asked for. */
export interface LockRequest {
  readonly expires_at?: number | null | undefined;
  readonly is_download_prevented?: boolean | null | undefined;
}

/** Lock or unlock a file. Guarantees: neither the etag nor any date moves. */
export function changeLock(box: Box, context: ActorContext, id: number, lock: LockRequest | null): void {
  const { actor } = context;
  const sight = box.access.see(actor, id, 'file');
  box.access.require(sight, RIGHT.lock);
  // Whoever manages the item may break another's lock.
  if ((sight.rights & RIGHT.manage) === 0) requireUnlocked(box, actor, sight.row);
  box.store.transaction(() => {
    box.store.items.update(id, {
      lock:
        lock === null
          ? null
          : JSON.stringify({
              type: 'lock',
              id: String(11_000_000 + randomBelow(box.random, 10_000_000)),
              created_by: renderMiniUser(box, actor.user.id),
              created_at: box.clock.format(box.clock.now()),
              expires_at: lock.expires_at == null ? null : box.clock.format(lock.expires_at),
              is_download_prevented: lock.is_download_prevented === true,
              app_type: null,
            }),
    });
    if (lock !== null || sight.row.lock !== null)
      tell(box, lock === null ? 'LOCK_DESTROY' : 'LOCK_CREATE', actor, reread(box, id));
  });
}
