import { z } from 'zod';
import { applicationChangeSchema } from '../auth/application.ts';
import { fullAuthority, issueToken } from '../auth/tokens.ts';
import type { Box } from '../box.ts';
import { itemTree } from '../control/item-tree.ts';
import { readJson } from '../http/body.ts';
import { idOf, idParam } from '../http/context.ts';
import { notFound } from '../http/refusal.ts';
import { empty, json } from '../http/reply.ts';
import { plain, type Route } from '../http/route.ts';
import { createFolder } from '../operations/tree-operations.ts';

function describeApp(box: Box): Record<string, unknown> {
  const {
    clientId,
    enterpriseId,
    adminUserId,
    serviceAccountId,
    configured,
    authorised,
    keyRevoked,
    enabled,
  } = box.application.current;
  return {
    client_id: clientId,
    enterprise_id: String(enterpriseId),
    admin_user_id: String(adminUserId),
    service_account_id: String(serviceAccountId),
    key_revoked: keyRevoked,
    enabled,
    configured,
    authorised,
  };
}

const doubleSchema = z.strictObject({ parent_id: z.string(), name: z.string().min(1).max(255) });

/** The emulator's own address space. */
export function controlRoutes(box: Box): readonly Route[] {
  return [
    plain('control', 'GET', '/_emulator/stats', () => json(box.statistics.report(box.polls.openCount))),
    plain('control', 'POST', '/_emulator/stats/reset', () => {
      box.statistics.reset();
      return empty();
    }),
    plain('control', 'GET', '/_emulator/faults', () => json({ entries: box.faults.list() })),
    plain('control', 'POST', '/_emulator/faults', async (context) =>
      json({ id: box.faults.add(await readJson(context)) }, 201),
    ),
    plain('control', 'DELETE', '/_emulator/faults', () => {
      box.faults.clear();
      return empty();
    }),
    plain('control', 'DELETE', '/_emulator/faults/:id', (context) => {
      const id = context.params['id'] ?? '';
      if (!box.faults.remove(id)) throw notFound('fault', id.slice(0, 50));
      return empty();
    }),
    plain('control', 'GET', '/_emulator/settings', () => json(box.settings.values)),
    plain('control', 'POST', '/_emulator/settings', async (context) => {
      const values = box.settings.change(await readJson(context));
      box.limits.reset();
      return json(values);
    }),
    plain('control', 'GET', '/_emulator/app', () => json(describeApp(box))),
    plain('control', 'POST', '/_emulator/app', async (context) => {
      box.application.change(applicationChangeSchema.parse(await readJson(context)));
      return json(describeApp(box));
    }),
    plain('control', 'GET', '/_emulator/tree', () => json(itemTree(box))),
    plain('control', 'POST', '/_emulator/folders', async (context) => {
      // Without the check of names: two folders of one name have been seen in real accounts.
      const given = doubleSchema.parse(await readJson(context));
      const parent = box.store.items.get(idOf(given.parent_id));
      const owner = box.store.users.get(parent?.owner_id ?? -1);
      if (parent?.kind !== 'folder' || owner === undefined)
        throw notFound('folder', given.parent_id.slice(0, 50));
      const token = { token: '', userId: owner.id, expiresAt: 0, authority: fullAuthority(box, owner) };
      const actor = { user: owner, token, scopes: new Set<string>(), asUser: false };
      const place = { parentId: parent.id, ownerId: owner.id, sight: null };
      const row = box.store.transaction(() => createFolder(box, actor, place, given.name));
      return json({ type: 'folder', id: String(row.id), name: row.name }, 201);
    }),
    plain('control', 'POST', '/_emulator/tokens/expire', () => {
      box.store.tokens.expireAll(box.clock.now());
      return empty();
    }),
    plain('control', 'POST', '/_emulator/users/:id/leave', (context) => {
      const user = box.store.users.get(idParam(context));
      if (user === undefined) throw notFound('user_id', context.params['id'] ?? '');
      const details = { ...(JSON.parse(user.details) as Record<string, unknown>), external: true };
      box.store.users.update(user.id, { details: JSON.stringify(details) });
      return empty();
    }),
    plain('control', 'POST', '/_emulator/users/:id/token', async (context) => {
      const user = box.store.users.get(idParam(context));
      if (user === undefined) throw notFound('user_id', context.params['id'] ?? '');
      const { scopes } = z.object({ scopes: z.array(z.string()).optional() }).parse(await readJson(context));
      const full = fullAuthority(box, user);
      const token = issueToken(box, user, scopes === undefined ? full : { ...full, scopes });
      return json({
        access_token: token.token,
        expires_in: box.settings.values.tokenLifetimeS,
        restricted_to: [],
        token_type: 'bearer',
      });
    }),
  ];
}
