/** Where an upload goes: a new name in a folder, or a new version of a file. */
export type UploadTarget =
  | { readonly kind: 'new'; readonly parentId: string; readonly name: string }
  | { readonly kind: 'version'; readonly id: string; readonly name: string; readonly etag: string };

/** What tells one upload's destination from another's, over a restart too. */
export function targetKey(target: UploadTarget): string {
  return target.kind === 'new'
    ? `new ${target.parentId} ${target.name}`
    : `version ${target.id} ${target.etag}`;
}
