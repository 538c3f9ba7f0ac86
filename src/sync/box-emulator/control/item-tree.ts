import type { Box } from '../box.ts';
import type { ItemRow, VersionRow } from '../store/rows.ts';

/** Every item with all its versions, trashed ones too, for oracles in tests. Ordered by id. */
export function itemTree(box: Box): Record<string, unknown> {
  const rows = new Map<number, ItemRow>();
  for (const row of box.store.items.all()) rows.set(row.id, row);
  const versions = new Map<number, VersionRow[]>();
  for (const version of box.store.versions.all()) {
    const here = versions.get(version.item_id) ?? [];
    versions.set(version.item_id, here);
    here.push(version);
  }
  const entries = [...rows.values()].map((row) => {
    const chain = chainOf(rows, row);
    return {
      id: String(row.id),
      type: row.kind,
      name: row.name,
      parent_id: String(row.parent_id),
      path: `/${chain.map((node) => node.name).join('/')}`,
      sha1: row.sha1,
      size: row.size,
      etag: String(row.etag),
      status: chain.every((node) => node.status === 'active') ? 'active' : 'trashed',
      owner_id: String(row.owner_id),
      created_by: String(row.created_by),
      modified_by: String(row.modified_by),
      ...(row.kind === 'file'
        ? {
            version_id: String(row.version_id),
            versions: (versions.get(row.id) ?? []).map((version) => ({
              id: String(version.id),
              sha1: version.sha1,
              size: version.size,
              current: version.id === row.version_id,
            })),
          }
        : {}),
    };
  });
  return { total_count: entries.length, entries };
}

function chainOf(rows: ReadonlyMap<number, ItemRow>, row: ItemRow): ItemRow[] {
  const chain: ItemRow[] = [];
  for (let node: ItemRow | undefined = row; node !== undefined; node = rows.get(node.parent_id))
    chain.unshift(node);
  return chain;
}
