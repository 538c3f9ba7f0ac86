import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { requireMatch } from '../http/conditions.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, idSchema } from '../http/given.ts';
import { askedFields, limitParam, numberParam } from '../http/query.ts';
import { forbidden, notFound } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { requireUnblocked } from '../operations/blocked.ts';
import { requireUnlocked } from '../operations/locks.ts';
import { addVersion } from '../operations/tree-operations.ts';
import { type FieldTable, renderFields } from '../render/fields.ts';
import { renderMiniUser } from '../render/users.ts';
import type { VersionRow } from '../store/rows.ts';
import { versionName } from './content.ts';

const STANDARD = [
  'type',
  'id',
  'sha1',
  'name',
  'size',
  'uploader_display_name',
  'created_at',
  'modified_at',
  'modified_by',
  'trashed_at',
  'trashed_by',
  'restored_at',
  'purged_at',
];

const promoteSchema = z.object({ type: given(z.literal('file_version')), id: idSchema });
const restoreSchema = z.object({ trashed_at: z.null().optional() });

/** A version of a file. */
function renderVersion(box: Box, version: VersionRow, asked?: readonly string[]): Record<string, unknown> {
  const { clock } = box;
  const table: FieldTable<VersionRow> = {
    type: () => 'file_version',
    id: (row) => String(row.id),
    sha1: (row) => row.sha1,
    name: (row) => row.name,
    size: (row) => row.size,
    uploader_display_name: (row) => box.store.users.get(row.modified_by)?.name ?? '',
    created_at: (row) => clock.format(row.created_at),
    modified_at: (row) => clock.format(row.modified_at),
    modified_by: (row) => renderMiniUser(box, row.modified_by),
    trashed_at: (row) => clock.formatOrNull(row.trashed_at),
    trashed_by: (row) => (row.trashed_by === null ? undefined : renderMiniUser(box, row.trashed_by)),
    restored_at: (row) => clock.formatOrNull(row.restored_at),
    restored_by: (row) => (row.restored_by === null ? null : renderMiniUser(box, row.restored_by)),
    purged_at: () => null,
    version_number: (row) => String(row.number),
  };
  return renderFields(table, version, STANDARD, asked);
}

function fileOf(box: Box, context: ActorContext, right: number): Sight {
  const sight = box.access.see(context.actor, idParam(context), 'file');
  box.access.require(sight, right);
  return sight;
}

function versionOf(box: Box, sight: Sight, id: number): VersionRow {
  const version = box.store.versions.get(id);
  if (version === undefined || version.item_id !== sight.row.id)
    throw notFound('file_version_id', id < 0 ? 'unknown' : id);
  return version;
}

/** Past versions only, newest first: the current one is the file itself. */
function list(box: Box, context: ActorContext): Reply {
  const sight = fileOf(box, context, RIGHT.preview);
  const limit = limitParam(context, 1000);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const past = box.store.versions.ofItem(sight.row.id).filter((row) => row.id !== sight.row.version_id);
  const entries = past
    .slice(offset, offset + limit)
    .map((row) => renderVersion(box, row, askedFields(context)));
  const order = [{ by: 'type', direction: 'ASC' }];
  return json({ total_count: past.length, limit, offset, order, entries });
}

/**
 * Making an old version current adds a copy of it as the newest, under the name that it had.
 *
 * Errors: 409 when another item holds that name by now. Source: OAS post_files_id_versions_current.
 */
async function promote(box: Box, context: ActorContext): Promise<Reply> {
  const { id } = await bodyOf(context, promoteSchema);
  const sight = fileOf(box, context, RIGHT.edit);
  requireUnlocked(box, context.actor, sight.row);
  const version = versionOf(box, sight, idOf(id));
  if (version.trashed_at !== null) throw notFound('file_version_id', version.id);
  requireUnblocked(box, sight.ancestors);
  const name = versionName(box, context, sight, version.name);
  const row = box.store.transaction(() =>
    addVersion(box, context.actor, sight.row, {
      attributes: { name, contentModifiedAt: sight.row.content_modified_at },
      content: { kind: 'shared', blobId: version.blob_id, sha1: version.sha1, size: version.size },
      event: 'ITEM_MAKE_CURRENT_VERSION',
    }),
  );
  const made = versionOf(box, sight, row.version_id ?? -1);
  return json(renderVersion(box, made, askedFields(context)), 201);
}

function remove(box: Box, context: ActorContext): Reply {
  const sight = fileOf(box, context, RIGHT.delete);
  const version = versionOf(box, sight, idParam(context, 'version'));
  requireMatch(context, sight.row.etag);
  if (version.id === sight.row.version_id) throw forbidden();
  box.store.versions.update(version.id, {
    trashed_at: box.clock.now(),
    trashed_by: context.actor.user.id,
    restored_at: null,
    restored_by: null,
  });
  return empty();
}

async function restore(box: Box, context: ActorContext): Promise<Reply> {
  const { trashed_at } = await bodyOf(context, restoreSchema);
  const sight = fileOf(box, context, RIGHT.delete);
  const version = versionOf(box, sight, idParam(context, 'version'));
  if (trashed_at === null && version.trashed_at !== null)
    box.store.versions.update(version.id, {
      trashed_at: null,
      trashed_by: null,
      restored_at: box.clock.now(),
      restored_by: context.actor.user.id,
    });
  return json(renderVersion(box, versionOf(box, sight, version.id), askedFields(context)));
}

/** A file's history. */
export function versionRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/files/:id/versions', (context) => list(box, context)),
    api('POST', '/2.0/files/:id/versions/current', (context) => promote(box, context)),
    api('GET', '/2.0/files/:id/versions/:version', (context) => {
      const sight = fileOf(box, context, RIGHT.preview);
      return json(
        renderVersion(box, versionOf(box, sight, idParam(context, 'version')), askedFields(context)),
      );
    }),
    api('DELETE', '/2.0/files/:id/versions/:version', (context) => remove(box, context)),
    api('PUT', '/2.0/files/:id/versions/:version', (context) => restore(box, context)),
  ];
}
