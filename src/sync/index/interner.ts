import type { Content, RemoteUser } from '../tree/entry.ts';

/**
 * Gives equal texts, contents and users one place in memory.
 *
 * The three trees hold the same ids, names and hashes, and thousands of files have few authors: read row by row from the
 * index, each would be a copy of its own. Lives as long as one reading.
 */
export class Interner {
  readonly #texts = new Map<string, string>();
  readonly #users = new Map<string, RemoteUser>();
  /** The last content of each hash: the trees mostly agree. */
  readonly #contents = new Map<string, Content>();

  text(value: string): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    this.#texts.set(value, value);
    return value;
  }

  /** One content for equal facts, as far as the last one of its hash goes. */
  content(sha1: string, sizeBytes: number, modifiedAtMs: number): Content {
    const last = this.#contents.get(sha1);
    if (last?.sizeBytes === sizeBytes && last.modifiedAtMs === modifiedAtMs) return last;
    const content = { sha1: last?.sha1 ?? sha1, sizeBytes, modifiedAtMs };
    this.#contents.set(content.sha1, content);
    return content;
  }

  /** Null for an account that Box did not name. */
  user(id: string | null, name: string | null): RemoteUser | null {
    if (id === null) return null;
    const key = `${id} ${name ?? ''}`;
    const known = this.#users.get(key);
    if (known !== undefined) return known;
    const user = { id, name: name ?? '' };
    this.#users.set(key, user);
    return user;
  }
}
