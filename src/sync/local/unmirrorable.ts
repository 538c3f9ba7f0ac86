/** Why an entry on the disk is reported instead of mirrored. */
export type UnmirrorableReason =
  | 'symbolic-link-or-special-file'
  | 'unreadable'
  | 'name-refused'
  | 'name-not-utf8'
  | 'another-disk';

/** An entry on the disk that the local tree cannot hold: reported, never followed. */
export interface Unmirrorable {
  readonly path: string;
  readonly reason: UnmirrorableReason;
}

/** What a person reads of it. */
export const UNMIRRORABLE_TEXTS: Readonly<Record<UnmirrorableReason, string>> = {
  'symbolic-link-or-special-file': 'Only plain files and folders are mirrored.',
  unreadable: 'This account may not read it: change its mode or owner.',
  'name-refused': 'This is no name that can be mirrored: rename it.',
  'name-not-utf8': 'The name is not valid UTF-8: rename it.',
  'another-disk':
    'Another disk stands here than before; nothing below is taken for deleted. Mount the former one again, or mount anew with --bring-back.',
};

/** Entries that are reported, by folder, so that what stands there no longer is forgotten. */
export class UnmirrorableEntries {
  readonly #byFolder = new Map<string, Map<string, UnmirrorableReason>>();

  get all(): readonly Unmirrorable[] {
    return [...this.#byFolder].flatMap(([folder, names]) =>
      [...names].map(([name, reason]) => ({ path: folder === '' ? name : `${folder}/${name}`, reason })),
    );
  }

  report(names: readonly string[], reason: UnmirrorableReason): void {
    const folder = names.slice(0, -1).join('/');
    const known = this.#byFolder.get(folder) ?? new Map<string, UnmirrorableReason>();
    this.#byFolder.set(folder, known.set(names.at(-1) ?? '', reason));
  }

  /** Report an entry no more; one that is reported for `but`, go on. */
  clear(names: readonly string[], but?: UnmirrorableReason): void {
    const folder = names.slice(0, -1).join('/');
    const known = this.#byFolder.get(folder);
    const name = names.at(-1) ?? '';
    if (but === undefined || known?.get(name) !== but) known?.delete(name);
    if (known?.size === 0) this.#byFolder.delete(folder);
  }

  /** A folder was listed: names that it does not hold any more are not reported any more, nor what was below them. */
  listed(folder: readonly string[], present: ReadonlySet<string>): void {
    const path = folder.join('/');
    for (const name of [...(this.#byFolder.get(path)?.keys() ?? [])])
      if (!present.has(name)) this.clear([...folder, name]);
    const below = path === '' ? '' : `${path}/`;
    for (const each of [...this.#byFolder.keys()]) {
      if (each === path || !each.startsWith(below)) continue;
      const [child = ''] = each.slice(below.length).split('/');
      if (!present.has(child)) this.#byFolder.delete(each);
    }
  }
}
