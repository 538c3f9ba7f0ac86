import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import type { Received } from '../content/receive.ts';
import { contentReply } from '../content/serve.ts';
import { readUploadForm, type UploadAttributes } from '../content/upload-form.ts';
import { bodyOf } from '../http/body.ts';
import { requireMatch } from '../http/conditions.ts';
import { type ActorContext, header, idOf, idParam, type RequestContext } from '../http/context.ts';
import { given, reference } from '../http/given.ts';
import { askedFields, textParam } from '../http/query.ts';
import { missingParameter, notFound, refuse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, plain, type Route } from '../http/route.ts';
import { requireUnblocked } from '../operations/blocked.ts';
import { requireDownloadUnlocked, requireUnlocked } from '../operations/locks.ts';
import { type Destination, destinationOf, requireFreeName } from '../operations/place.ts';
import { addVersion, createFile, type FileAttributes, requireSpace } from '../operations/tree-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { acceptedName, nameKey } from '../store/names.ts';
import type { ItemRow, VersionRow } from '../store/rows.ts';

function fileAttributes(name: string, attributes: UploadAttributes): FileAttributes {
  return {
    name,
    contentCreatedAt: attributes.content_created_at,
    contentModifiedAt: attributes.content_modified_at,
  };
}

/** Errors: 400 `bad_digest` when the content is not what the sender announced. */
function requireDigest(context: RequestContext, received: Received): void {
  const announced = header(context, 'content-md5');
  if (announced !== undefined && announced.trim().toLowerCase() !== received.content.sha1)
    throw refuse(400, 'bad_digest', 'The specified content-md5 did not match what we received');
}

/** The reply to every upload: a list of one. */
export function uploadReply(box: Box, context: ActorContext, row: ItemRow, status: number): Reply {
  const sight = box.access.see(context.actor, row.id, 'file');
  const entry = new ItemRenderer(box).standard({ sight }, askedFields(context));
  return json({ total_count: 1, entries: [entry] }, status);
}

interface NewFileTarget {
  readonly place: Destination;
  readonly name: string;
  readonly release: () => void;
}

async function upload(box: Box, context: ActorContext): Promise<Reply> {
  const { actor } = context;
  let release: (() => void) | undefined;
  const check = (attributes: UploadAttributes): NewFileTarget => {
    if (attributes.name === undefined) throw missingParameter('name');
    if (attributes.parent === undefined) throw missingParameter('parent');
    const place = destinationOf(box, actor, idOf(attributes.parent.id));
    const name = acceptedName(attributes.name, 'file', box.settings.values);
    if (place.sight !== null) requireUnblocked(box, [...place.sight.ancestors, place.sight.row]);
    requireFreeName(box, actor, place, name);
    release = box.reservations.reserve(place, nameKey(name, box.settings.values.nameFolding));
    return { place, name, release };
  };
  try {
    const form = await readUploadForm(box, context, check);
    const { attributes, target, received } = form;
    const row = await keep(received, () => {
      requireDigest(context, received);
      // The world may have moved while the bytes came in.
      const place = destinationOf(box, actor, target.place.parentId);
      requireFreeName(box, actor, place, target.name);
      return box.store.transaction(() =>
        createFile(box, actor, place, {
          attributes: fileAttributes(target.name, attributes),
          content: received.content,
          description: attributes.description ?? '',
        }),
      );
    });
    return uploadReply(box, context, row, 201);
  } finally {
    release?.();
  }
}

/** Record received content, or throw its bytes away when that is refused. */
export async function keep<Result>(received: Received, record: () => Result): Promise<Result> {
  try {
    return record();
  } catch (error) {
    await received.discard();
    throw error;
  }
}

/** Errors: everything that forbids a new version of this file. */
export function requireVersionable(box: Box, context: ActorContext, id: number): Sight {
  const sight = box.access.see(context.actor, id, 'file');
  requireMatch(context, sight.row.etag);
  box.access.require(sight, RIGHT.edit);
  requireUnlocked(box, context.actor, sight.row);
  requireUnblocked(box, sight.ancestors);
  return sight;
}

/** The name that a new version gives its file; taking another file's name is refused. */
export function versionName(
  box: Box,
  context: ActorContext,
  sight: Sight,
  wanted: string | undefined,
): string {
  const { row } = sight;
  if (wanted === undefined || wanted === row.name) return row.name;
  const name = acceptedName(wanted, 'file', box.settings.values);
  const place = { parentId: row.parent_id, ownerId: row.owner_id, sight: null };
  requireFreeName(box, context.actor, place, name, { exceptId: row.id });
  return name;
}

async function uploadVersion(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  requireVersionable(box, context, id);
  const form = await readUploadForm(box, context, () => undefined);
  const { attributes, received } = form;
  const row = await keep(received, () => {
    requireDigest(context, received);
    const sight = requireVersionable(box, context, id);
    const name = versionName(box, context, sight, attributes.name);
    return box.store.transaction(() =>
      addVersion(box, context.actor, sight.row, {
        attributes: fileAttributes(name, attributes),
        content: received.content,
      }),
    );
  });
  return uploadReply(box, context, row, 200);
}

const preflightSchema = z.object({
  name: given(z.string()),
  size: given(z.number().int().min(0)),
  parent: given(reference),
});

async function preflight(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, preflightSchema);
  const { actor } = context;
  const place = destinationOf(box, actor, idOf(body.parent?.id ?? '0'));
  if (body.name !== undefined)
    requireFreeName(box, actor, place, acceptedName(body.name, 'file', box.settings.values));
  requireSpace(box, place.ownerId, body.size ?? 0);
  return json({ upload_url: `${box.addresses().edge}/api/2.0/files/content`, upload_token: null });
}

async function preflightVersion(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  const body = await bodyOf(context, preflightSchema);
  const sight = requireVersionable(box, context, id);
  versionName(box, context, sight, body.name);
  requireSpace(box, sight.row.owner_id, body.size ?? 0);
  const upload_url = `${box.addresses().edge}/api/2.0/files/${id}/content`;
  return json({ upload_url, upload_token: null, download_url: null });
}

function versionToServe(box: Box, context: ActorContext, row: ItemRow): VersionRow {
  const wanted = textParam(context, 'version');
  const id = wanted === undefined ? (row.version_id ?? -1) : idOf(wanted);
  const version = box.store.versions.get(id);
  if (version === undefined || version.item_id !== row.id || version.trashed_at !== null)
    throw notFound('file_version_id', (wanted ?? '').slice(0, 50));
  return version;
}

function download(box: Box, context: ActorContext): Reply {
  const { actor } = context;
  const sight = box.access.see(actor, idParam(context), 'file');
  box.access.require(sight, RIGHT.download);
  requireDownloadUnlocked(box, actor, sight.row);
  const version = versionToServe(box, context, sight.row);
  const waitMs = version.created_at + box.settings.values.downloadReadyAfterMs - box.clock.now();
  if (waitMs > 0 && box.settings.values.downloadReadyAfterMs > 0)
    return empty(202, { 'retry-after': String(Math.ceil(waitMs / 1000)) });
  const key = box.links.add({
    blobId: version.blob_id,
    size: version.size,
    name: sight.row.name,
    userId: actor.user.id,
    origin: context.path,
    expiresAt: box.clock.now() + box.settings.values.downloadUrlLifetimeS * 1000,
  });
  return empty(302, { location: `${box.addresses().edge}/d/1/${key}/download` });
}

function serveLink(box: Box, context: RequestContext): Reply {
  const link = box.links.get(context.params['key'] ?? '');
  if (link === undefined) return empty(404);
  return contentReply(link, link.name, header(context, 'range'));
}

/** Content in and out. */
export function contentRoutes(box: Box): readonly Route[] {
  return [
    api('POST', '/2.0/files/content', (context) => upload(box, context), { upload: true }),
    api('POST', '/2.0/files/:id/content', (context) => uploadVersion(box, context), { upload: true }),
    api('OPTIONS', '/2.0/files/content', (context) => preflight(box, context)),
    api('OPTIONS', '/2.0/files/:id/content', (context) => preflightVersion(box, context)),
    api('GET', '/2.0/files/:id/content', (context) => download(box, context)),
    plain('uncounted', 'GET', '/d/1/:key/download', (context) => serveLink(box, context)),
  ];
}
