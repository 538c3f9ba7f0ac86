import type { RunningEmulator } from '../../src/sync/box-emulator/emulator.ts';

interface Item {
  readonly type: 'file' | 'folder';
  readonly id: string;
  readonly name: string;
  readonly sha1?: string;
}

/** Where contents are. */
export interface Holdings {
  readonly living: ReadonlySet<string>;
  readonly trashed: ReadonlyMap<string, 'current' | 'former'>;
}

/** What an emulated Box holds, asked for by the owner of the shared folder. */
export class BoxContents {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async open({ url, adminUserId }: RunningEmulator): Promise<BoxContents> {
    const answer = await fetch(`${url}/_emulator/users/${adminUserId}/token`, { method: 'POST' });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return new BoxContents(url, token);
  }

  /** SHA-1 of every file below a folder, by its path; folders end in a slash. */
  async tree(path: readonly string[]): Promise<Map<string, string>> {
    let folder = '0';
    for (const name of path) {
      const found = (await this.#items(folder)).find((item) => item.type === 'folder' && item.name === name);
      if (found === undefined) return new Map();
      folder = found.id;
    }
    const tree = new Map<string, string>();
    await this.#walk(folder, '', (item, at) =>
      tree.set(item.type === 'folder' ? `${at}/` : at, item.sha1 ?? ''),
    );
    return tree;
  }

  /**
   * SHA-1 of everything that can still be had: of what is in place, with former versions, and of what is in the trash,
   * as the present or a former version. Empties the trash into the top of the account, since Box tells the versions of
   * what is in place only.
   */
  async everything(): Promise<Holdings> {
    const back = new Set<string>();
    for (const { type, id } of await this.#pages('/2.0/folders/trash/items?fields=id,type,name')) {
      const name = `back ${id}`;
      back.add(name);
      await this.#call('POST', `/2.0/${type}s/${id}`, { name, parent: { id: '0' } });
    }
    const files: { readonly id: string; readonly wasTrashed: boolean }[] = [];
    await this.#walk('0', '', ({ type, id }, path) => {
      const wasTrashed = back.has(path.split('/')[0] ?? '');
      if (type === 'file') files.push({ id, wasTrashed });
    });
    const living = new Set<string>();
    const trashed = new Map<string, 'current' | 'former'>();
    for (const { id, wasTrashed } of files) {
      const [present, ...former] = await this.#versionsOf(id);
      for (const sha1 of former) wasTrashed ? trashed.set(sha1, 'former') : living.add(sha1);
      if (present !== undefined) wasTrashed ? trashed.set(present, 'current') : living.add(present);
    }
    return { living, trashed };
  }

  /** The present version first. */
  async #versionsOf(id: string): Promise<readonly string[]> {
    const file = await this.#call('GET', `/2.0/files/${id}?fields=sha1`);
    const former = await this.#call('GET', `/2.0/files/${id}/versions?limit=1000`);
    const versions = [file, ...((former?.['entries'] ?? []) as Record<string, unknown>[])];
    return versions.flatMap((version) => (typeof version?.['sha1'] === 'string' ? [version['sha1']] : []));
  }

  async #walk(folder: string, prefix: string, visit: (item: Item, path: string) => void): Promise<void> {
    for (const item of await this.#items(folder)) {
      const path = prefix === '' ? item.name : `${prefix}/${item.name}`;
      visit(item, path);
      if (item.type === 'folder') await this.#walk(item.id, path, visit);
    }
  }

  #items(folder: string): Promise<Item[]> {
    return this.#pages(`/2.0/folders/${folder}/items?fields=id,type,name,sha1`);
  }

  async #pages(path: string): Promise<Item[]> {
    const items: Item[] = [];
    for (;;) {
      const page = (await this.#call('GET', `${path}&limit=1000&offset=${items.length}`)) as
        | { entries?: Item[] }
        | undefined;
      items.push(...(page?.entries ?? []));
      if ((page?.entries?.length ?? 0) < 1000) return items;
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<Record<string, unknown> | undefined> {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    // What is asked for stands there; anything else is a fault of the judge.
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}
