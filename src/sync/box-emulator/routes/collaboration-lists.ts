import { requireAdmin } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import { type ActorContext, idParam } from '../http/context.ts';
import { askedFields, limitParam, numberParam, textParam } from '../http/query.ts';
import { invalidParameter, missingParameter, notFound } from '../http/refusal.ts';
import { json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { endMarker } from '../operations/listing.ts';
import { renderCollaboration } from '../render/collaborations.ts';
import type { CollaborationRow } from '../store/rows.ts';

function ofItem(box: Box, context: ActorContext, kind: 'file' | 'folder'): Reply {
  const id = idParam(context);
  if (id === 0) throw notFound('folder', id);
  const sight = box.access.see(context.actor, id, kind);
  const limit = limitParam(context);
  const after = numberParam(context, 'marker', 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const rows = box.store.collaborations.ofItem(sight.row.id).filter((row) => row.id > after);
  const page = rows.slice(0, limit);
  const entries = page.map((row) => renderCollaboration(box, context.actor, row, askedFields(context)));
  const more = rows.length > page.length;
  return json({
    entries,
    limit,
    ...(more ? { next_marker: String(page.at(-1)?.id ?? after) } : endMarker(box)),
  });
}

function ofGroup(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, 'manage_groups');
  const id = idParam(context);
  if (box.store.groups.get(id) === undefined) throw notFound('group_id', id);
  return pageOf(box, context, box.store.collaborations.ofGroup(id));
}

/** The invitations that the actor has not answered: all that Box lists without an item or a group. */
function pending(box: Box, context: ActorContext): Reply {
  const status = textParam(context, 'status');
  if (status === undefined) throw missingParameter('status');
  if (status !== 'pending') throw invalidParameter('status', `Invalid value '${status.slice(0, 100)}'.`);
  return pageOf(box, context, box.store.collaborations.pendingOf(context.actor.user.id));
}

function pageOf(box: Box, context: ActorContext, rows: readonly CollaborationRow[]): Reply {
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const page = rows.slice(offset, offset + limit);
  const entries = page.map((row) => renderCollaboration(box, context.actor, row, askedFields(context)));
  return json({ total_count: rows.length, entries, limit, offset });
}

/** Who is invited to an item, where a group is invited, and what one was invited to and has not answered. */
export function collaborationListRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/folders/:id/collaborations', (context) => ofItem(box, context, 'folder')),
    api('GET', '/2.0/files/:id/collaborations', (context) => ofItem(box, context, 'file')),
    api('GET', '/2.0/collaborations', (context) => pending(box, context)),
    api('GET', '/2.0/groups/:id/collaborations', (context) => ofGroup(box, context)),
  ];
}
