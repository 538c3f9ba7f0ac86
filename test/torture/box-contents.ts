import type { RunningEmulator } from '../../src/sync/box-emulator/emulator.ts';

interface Item {
  readonly type: 'file' | 'folder';
  readonly id: string;
  readonly name: string;
  readonly sha1?: string;
}

/** What an emulated Box holds, asked for by the account of its application. */
export class BoxContents {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async open({ url, serviceAccountId }: RunningEmulator): Promise<BoxContents> {
    const answer = await fetch(`${url}/_emulator/users/${serviceAccountId}/token`, { method: 'POST' });
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

  /** SHA-1 of everything that can still be had: present and former versions, in place and in the trash. */
  async everything(): Promise<Set<string>> {
    const ids: string[] = [];
    const take = (item: Item) => {
      if (item.type === 'file') ids.push(item.id);
    };
    await this.#walk('0', '', take);
    for (const item of await this.#pages('/2.0/folders/trash/items?fields=id,type,name,sha1')) {
      take(item);
      if (item.type === 'folder') await this.#walk(item.id, '', take);
    }
    const found = new Set<string>();
    for (const id of ids) for (const sha1 of await this.#versionsOf(id)) found.add(sha1);
    return found;
  }

  async #versionsOf(id: string): Promise<readonly string[]> {
    const file =
      (await this.#get(`/2.0/files/${id}?fields=sha1`)) ??
      (await this.#get(`/2.0/files/${id}/trash?fields=sha1`));
    const former = await this.#get(`/2.0/files/${id}/versions?limit=1000`);
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
      const page = (await this.#get(`${path}&limit=1000&offset=${items.length}`)) as
        | { entries?: Item[] }
        | undefined;
      items.push(...(page?.entries ?? []));
      if ((page?.entries?.length ?? 0) < 1000) return items;
    }
  }

  async #get(path: string): Promise<Record<string, unknown> | undefined> {
    const answer = await fetch(`${this.#url}${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    const body = await answer.text();
    return answer.ok ? (JSON.parse(body) as Record<string, unknown>) : undefined;
  }
}
