import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { timeSchema } from '../content/upload-form.ts';
import { bodyOf } from '../http/body.ts';
import { notModified, requireMatch } from '../http/conditions.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, idSchema, notEmulated, reference } from '../http/given.ts';
import { askedFields } from '../http/query.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { requireUnblocked } from '../operations/blocked.ts';
import { copyItem } from '../operations/copy.ts';
import { changeLock } from '../operations/lock-change.ts';
import { requireUnlocked } from '../operations/locks.ts';
import { trash } from '../operations/trash-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { changeItem, itemChangeShape } from './item-change.ts';

const lockSchema = z.object({
  type: given(z.literal('lock')),
  access: given(z.literal('lock')),
  expires_at: given(timeSchema),
  is_download_prevented: given(z.boolean()),
});
const changeSchema = z.object({
  ...itemChangeShape,
  // Null is a wish of its own here: it unlocks.
  lock: lockSchema.nullish(),
  disposition_at: notEmulated,
  permissions: notEmulated,
});
const copySchema = z.object({ parent: reference, name: given(z.string()), version: given(idSchema) });

/** A file as its own endpoints answer it. */
export function showFile(box: Box, context: ActorContext, id: number, status = 200): Reply {
  return answerWith(box, context, box.access.see(context.actor, id, 'file'), status);
}

function answerWith(box: Box, context: ActorContext, sight: Sight, status = 200): Reply {
  return json(new ItemRenderer(box).standard({ sight }, askedFields(context)), status, {
    etag: String(sight.row.etag),
  });
}

function get(box: Box, context: ActorContext): Reply {
  const sight = box.access.look(context.actor, idParam(context), 'file');
  return notModified(context, sight.row.etag) ?? answerWith(box, context, sight);
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  box.access.see(context.actor, id, 'file');
  const { lock, ...change } = await bodyOf(context, changeSchema);
  const changes = Object.values(change).some((value) => value != null);
  const sight = box.access.see(context.actor, id, 'file');
  if (changes || lock === undefined) changeItem(box, context, sight, change);
  if (lock !== undefined) changeLock(box, context, id, lock);
  return showFile(box, context, id);
}

function remove(box: Box, context: ActorContext): Reply {
  const sight = box.access.see(context.actor, idParam(context), 'file');
  requireMatch(context, sight.row.etag);
  box.access.require(sight, RIGHT.delete);
  requireUnlocked(box, context.actor, sight.row);
  requireUnblocked(box, sight.ancestors);
  box.store.transaction(() => trash(box, context.actor, sight.row));
  return empty();
}

async function copy(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, copySchema);
  const sight = box.access.see(context.actor, idParam(context), 'file');
  const row = copyItem(box, context.actor, sight, {
    parentId: idOf(body.parent.id),
    name: body.name,
    version: body.version,
  });
  return showFile(box, context, row.id, 201);
}

/** Files, without their content. */
export function fileRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/files/:id', (context) => get(box, context)),
    api('PUT', '/2.0/files/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/files/:id', (context) => remove(box, context)),
    api('POST', '/2.0/files/:id/copy', (context) => copy(box, context)),
  ];
}
