import { z } from 'zod';
import { CorruptError, messageOf, TransientError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { RemoteUser } from '../tree/entry.ts';
import type { FolderChange } from './recorded-folder.ts';
import type { ContentSource } from './recording-reader.ts';
import type { ReplayTarget } from './replay.ts';

interface EmulatorTargetOptions {
  /** The emulator's address, without a path; its control addresses must be on. */
  readonly url: string;
  readonly contents: ContentSource;
}

interface Request {
  readonly body?: unknown;
  readonly form?: FormData;
  readonly token?: string;
}

/** How long one call to the emulator may take. */
const CALL_TIMEOUT_MS = 60_000;
/** Longer contents that the recording does not hold are not made up. Units: bytes. */
const MADE_UP_MAX_BYTES = 256 * 1024 * 1024;

const appSchema = z.object({ admin_user_id: z.string() });
const tokenSchema = z.object({ access_token: z.string() });
const itemSchema = z.object({ id: z.string() });
const uploadedSchema = z.object({ entries: z.array(itemSchema).length(1) });

/**
 * Plays a recording into a Box emulator: the shared folder, an app user for each account, and every file and version
 * in the name of the account that wrote it.
 *
 * Guarantees: each recorded account acts with a token of its own; what nobody is known to have done, the administrator
 * does. Errors: TransientError 'emulator-call' naming the call that was refused; CorruptError 'bad-place'.
 */
export class EmulatorTarget implements ReplayTarget {
  readonly #options: EmulatorTargetOptions;
  readonly #url: string;
  readonly #items = new Map<string, string>();
  readonly #tokens = new Map<string, string>();
  #administrator = '';
  #sharedId = '';

  constructor(options: EmulatorTargetOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, '');
  }

  async begin(rootPath: readonly string[]): Promise<void> {
    const app = await this.#call(appSchema, 'GET', '/_emulator/app');
    this.#administrator = await this.#tokenOf(app.admin_user_id);
    let parent = '0';
    for (const [depth, name] of rootPath.entries()) {
      parent = (await this.#createFolder(parent, name)).id;
      if (depth === 0) this.#sharedId = parent;
    }
    this.#items.set('', parent);
  }

  async apply(change: FolderChange): Promise<boolean> {
    const path = change.names.join('/');
    switch (change.kind) {
      case 'folder':
        this.#items.set(path, (await this.#createFolder(this.#parentOf(path), nameOf(path))).id);
        return true;
      case 'file':
        return this.#write(path, change);
      case 'moved':
        await this.#move(change.from?.join('/') ?? path, path);
        return true;
      case 'removed':
        await this.#remove(path);
        return true;
    }
  }

  #createFolder(parentId: string, name: string) {
    const body = { name, parent: { id: parentId } };
    return this.#call(itemSchema, 'POST', '/2.0/folders', { body, token: this.#administrator });
  }

  async #write(path: string, { content, by }: FolderChange): Promise<boolean> {
    invariant(content !== null, 'a file has content');
    const { sha1, sizeBytes, modifiedAtMs } = content;
    const bytes = await this.#options.contents(sha1, sizeBytes);
    const modified = new Date(modifiedAtMs).toISOString();
    const attributes = {
      name: nameOf(path),
      parent: { id: this.#parentOf(path) },
      content_modified_at: modified,
    };
    const form = new FormData();
    form.set('attributes', JSON.stringify(attributes));
    const stand = bytes ?? Buffer.alloc(Math.min(sizeBytes, MADE_UP_MAX_BYTES));
    form.set('file', new Blob([new Uint8Array(stand)]), nameOf(path));
    const known = this.#items.get(path);
    const target = known === undefined ? '/api/2.0/files/content' : `/api/2.0/files/${known}/content`;
    const uploaded = await this.#call(uploadedSchema, 'POST', target, {
      form,
      token: await this.#account(by),
    });
    this.#items.set(path, uploaded.entries[0]?.id ?? '');
    return bytes !== undefined;
  }

  async #move(from: string, to: string): Promise<void> {
    const id = this.#items.get(from);
    if (id === undefined) return;
    const body = { name: nameOf(to), parent: { id: this.#parentOf(to) } };
    const token = this.#administrator;
    const kind = await this.#kindOf(id);
    await this.#call(itemSchema, 'PUT', `/2.0/${kind}/${id}`, { body, token });
    for (const [path, below] of [...this.#items])
      if (path === from || path.startsWith(`${from}/`)) {
        this.#items.delete(path);
        this.#items.set(to + path.slice(from.length), below);
      }
  }

  async #remove(path: string): Promise<void> {
    const id = this.#items.get(path);
    if (id === undefined) return;
    const kind = await this.#kindOf(id);
    const query = kind === 'folders' ? '?recursive=true' : '';
    await this.#send('DELETE', `/2.0/${kind}/${id}${query}`, { token: this.#administrator });
    for (const known of [...this.#items.keys()])
      if (known === path || known.startsWith(`${path}/`)) this.#items.delete(known);
  }

  async #kindOf(id: string): Promise<'files' | 'folders'> {
    const response = await this.#fetch('GET', `/2.0/folders/${id}`, { token: this.#administrator });
    await response.body?.cancel();
    return response.ok ? 'folders' : 'files';
  }

  #parentOf(path: string): string {
    const parent = this.#items.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    if (parent === undefined)
      throw new CorruptError({
        code: 'bad-place',
        message: `the recording has ${path} in a folder that it does not tell of`,
        data: { path },
      });
    return parent;
  }

  /** The token of a recorded account: an app user of its name, with an editor's role in the shared folder. */
  async #account(user: RemoteUser | null): Promise<string> {
    if (user === null) return this.#administrator;
    const known = this.#tokens.get(user.id);
    if (known !== undefined) return known;
    const token = this.#administrator;
    const created = await this.#call(itemSchema, 'POST', '/2.0/users', {
      body: { name: user.name, is_platform_access_only: true },
      token,
    });
    const body = {
      item: { type: 'folder', id: this.#sharedId },
      accessible_by: { type: 'user', id: created.id },
      role: 'editor',
    };
    await this.#call(itemSchema, 'POST', '/2.0/collaborations', { body, token });
    const own = await this.#tokenOf(created.id);
    this.#tokens.set(user.id, own);
    return own;
  }

  async #tokenOf(userId: string): Promise<string> {
    const path = `/_emulator/users/${userId}/token`;
    return (await this.#call(tokenSchema, 'POST', path, { body: {} })).access_token;
  }

  async #call<Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    path: string,
    request: Request = {},
  ): Promise<z.output<Schema>> {
    const response = await this.#send(method, path, request);
    return schema.parse(await response.json());
  }

  async #send(method: string, path: string, request: Request): Promise<Response> {
    const response = await this.#fetch(method, path, request);
    if (response.ok) return response;
    throw refused(method, path, `${response.status} ${(await response.text()).slice(0, 500)}`);
  }

  async #fetch(method: string, path: string, { body, form, token }: Request): Promise<Response> {
    const payload = form ?? (body === undefined ? undefined : JSON.stringify(body));
    return fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(payload === undefined ? {} : { body: payload }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw refused(method, path, messageOf(error), error);
    });
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

function refused(method: string, path: string, reason: string, cause?: unknown): TransientError {
  return new TransientError({
    code: 'emulator-call',
    message: `the emulator did not do ${method} ${path}: ${reason}`,
    hint: 'Start a new one with: mila-sync emulator --port 8080 --upload-rate-limit 0',
    cause,
  });
}
