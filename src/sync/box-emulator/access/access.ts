import type { Actor } from '../auth/actor.ts';
import type { BoxClock } from '../box-clock.ts';
import { forbidden, insufficientScope, notFound, refuse } from '../http/refusal.ts';
import type { ItemKind, ItemRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { OWNER_RIGHTS, RIGHT, RIGHTS_OF_ROLE, RIGHTS_OF_SCOPE } from './rights.ts';

interface GivenRights {
  readonly rights: number;
  readonly viewPath: boolean;
  readonly expiresAt: number | null;
}

/** An item as one user sees it. */
export interface Sight {
  readonly row: ItemRow;
  /** All folders above it, from the top down, visible or not. */
  readonly ancestors: readonly ItemRow[];
  /** Index in `[...ancestors, row]` of the first one that the user may see. */
  readonly visibleFrom: number;
  /** By the user's roles. */
  readonly rights: number;
  /** By the token's scopes. */
  readonly allowed: number;
}

/** Who may do what: roles flow down the tree, and a role below never takes away one from above. */
export class Access {
  readonly #store: Store;
  readonly #clock: BoxClock;
  #given: Map<number, Map<number, GivenRights[]>> | undefined;

  constructor(store: Store, clock: BoxClock) {
    this.#store = store;
    this.#clock = clock;
    store.onRollback(() => this.invalidate());
  }

  /** To be called after any change of collaborations or memberships. */
  invalidate(): void {
    this.#given = undefined;
  }

  /** One item as the actor's user sees it, if he does. Neither trashed items nor what lies in a trashed folder are seen. */
  sightOf(actor: Actor, row: ItemRow): Sight | undefined {
    const ancestors = this.#store.items.ancestors(row);
    if (row.status !== 'active' || ancestors.some((folder) => folder.status !== 'active')) return undefined;
    return this.#sight(actor, row, ancestors);
  }

  /** A trashed item as its owner or an editor finds it in the trash. */
  trashedSightOf(actor: Actor, row: ItemRow): Sight | undefined {
    if (row.status !== 'trashed') return undefined;
    return this.#sight(actor, row, this.#store.items.ancestors(row));
  }

  /** An item that the user may see, or may have seen: for telling him of something that happened to it. */
  recollect(actor: Actor, row: ItemRow): Sight {
    const ancestors = this.#store.items.ancestors(row);
    const allowed = this.#allowed(actor, [...ancestors, row]);
    return (
      this.#sight(actor, row, ancestors) ?? {
        row,
        ancestors,
        visibleFrom: ancestors.length,
        rights: 0,
        allowed,
      }
    );
  }

  /** A child of a folder that is already seen: its own collaborations may add rights. */
  childSight(actor: Actor, parent: Sight, row: ItemRow): Sight {
    const own = this.#rightsOn(row.id, actor.user.id);
    return {
      row,
      ancestors: [...parent.ancestors, parent.row],
      visibleFrom: parent.visibleFrom,
      rights: parent.rights | own.rights,
      allowed: parent.allowed,
    };
  }

  /** The item, or Box's 404: what the user may not see does not exist for him. */
  see(actor: Actor, id: number, kind: ItemKind): Sight {
    const row = this.#store.items.get(id);
    const name = kind === 'web_link' ? 'web_link_id' : 'item';
    if (row === undefined || row.kind !== kind) throw notFound(name, id < 0 ? 'unknown' : id);
    const sight = this.sightOf(actor, row);
    if (sight !== undefined) {
      if ((sight.allowed & RIGHT.list) === 0) throw insufficientScope();
      return sight;
    }
    if (row.status === 'trashed' && this.trashedSightOf(actor, row) !== undefined)
      throw refuse(404, 'trashed', 'Item is trashed');
    throw notFound(name, id);
  }

  /**
   * As `see`; but a file or web link that lies in the trash by itself is shown, too, as its `item_status` tells.
   *
   * Source: Box answers so to GET, and with an error for folders, as its SDKs' own tests hold.
   */
  look(actor: Actor, id: number, kind: 'file' | 'web_link'): Sight {
    const row = this.#store.items.get(id);
    const sight = row?.kind === kind ? this.trashedSightOf(actor, row) : undefined;
    if (sight === undefined) return this.see(actor, id, kind);
    if ((sight.allowed & RIGHT.list) === 0) throw insufficientScope();
    return sight;
  }

  /** A trashed item, or 404: `not_trashed` for one that the user sees where it is. */
  seeTrashed(actor: Actor, id: number, kind: ItemKind): Sight {
    const row = this.#store.items.get(id);
    const sight = row?.kind === kind ? this.trashedSightOf(actor, row) : undefined;
    if (sight !== undefined) return sight;
    if (row?.kind === kind && this.sightOf(actor, row) !== undefined)
      throw refuse(404, 'not_trashed', 'Item is not trashed');
    throw notFound('item', id < 0 ? 'unknown' : id);
  }

  /** Errors: 403 `insufficient_scope` when the token is too weak, `access_denied_...` when the role is. */
  require(sight: Sight, right: number): void {
    if ((sight.allowed & right) !== right) throw insufficientScope();
    if ((sight.rights & right) !== right) throw forbidden();
  }

  /** Rights that a token's scopes let through in the user's own root. */
  allowedInRoot(actor: Actor): number {
    return this.#allowed(actor, []);
  }

  /** Everyone who sees the item: its owner, and all who are invited at it or above it. */
  viewersOf(row: ItemRow): Set<number> {
    const viewers = new Set([row.owner_id]);
    const given = this.#load();
    for (const node of [row, ...this.#store.items.ancestors(row)]) {
      const here = given.get(node.id);
      if (here !== undefined) for (const userId of here.keys()) viewers.add(userId);
    }
    return viewers;
  }

  /** Items that a user was invited at and that stand at his root, because nothing above is visible to him. */
  sharedRootsOf(actor: Actor): readonly Sight[] {
    const roots: Sight[] = [];
    for (const [itemId, users] of this.#load()) {
      if (!users.has(actor.user.id)) continue;
      const row = this.#store.items.get(itemId);
      if (row === undefined || row.owner_id === actor.user.id) continue;
      const sight = this.sightOf(actor, row);
      if (sight !== undefined && sight.visibleFrom >= sight.ancestors.length) roots.push(sight);
    }
    return roots;
  }

  #sight(actor: Actor, row: ItemRow, ancestors: readonly ItemRow[]): Sight | undefined {
    const chain = [...ancestors, row];
    const allowed = this.#allowed(actor, chain);
    const userId = actor.user.id;
    if (row.owner_id === userId) return { row, ancestors, visibleFrom: 0, rights: OWNER_RIGHTS, allowed };
    let rights = 0;
    let visibleFrom = chain.length;
    for (const [index, node] of chain.entries()) {
      const own = this.#rightsOn(node.id, userId);
      if (own.rights === 0) continue;
      rights |= own.rights;
      visibleFrom = Math.min(visibleFrom, own.viewPath ? 0 : index);
    }
    return rights === 0 ? undefined : { row, ancestors, visibleFrom, rights, allowed };
  }

  #rightsOn(itemId: number, userId: number): { readonly rights: number; readonly viewPath: boolean } {
    const given = this.#load().get(itemId)?.get(userId);
    let rights = 0;
    let viewPath = false;
    for (const each of given ?? []) {
      if (each.expiresAt !== null && each.expiresAt <= this.#clock.now()) continue;
      rights |= each.rights;
      viewPath ||= each.viewPath;
    }
    return { rights, viewPath };
  }

  #allowed(actor: Actor, chain: readonly ItemRow[]): number {
    const { restrictions } = actor.token.authority;
    let allowed = 0;
    if (restrictions === null) {
      for (const scope of actor.scopes) allowed |= RIGHTS_OF_SCOPE[scope] ?? 0;
      return allowed;
    }
    for (const { scope, itemId } of restrictions)
      if (itemId === null || chain.some((node) => node.id === itemId)) allowed |= RIGHTS_OF_SCOPE[scope] ?? 0;
    return allowed;
  }

  #load(): Map<number, Map<number, GivenRights[]>> {
    if (this.#given !== undefined) return this.#given;
    const given = new Map<number, Map<number, GivenRights[]>>();
    for (const row of this.#store.collaborations.all()) {
      if (row.status !== 'accepted') continue;
      const rights: GivenRights = {
        rights: RIGHTS_OF_ROLE[row.role] ?? 0,
        viewPath: row.can_view_path === 1,
        expiresAt: row.expires_at,
      };
      const users = this.#store.groups;
      const ids =
        row.group_id === null
          ? [row.user_id ?? -1]
          : users.memberships({ groupId: row.group_id }).map((member) => member.user_id);
      const here = given.get(row.item_id) ?? new Map<number, GivenRights[]>();
      given.set(row.item_id, here);
      for (const id of ids) here.set(id, [...(here.get(id) ?? []), rights]);
    }
    this.#given = given;
    return given;
  }
}
