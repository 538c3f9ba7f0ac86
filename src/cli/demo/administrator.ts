import { z } from 'zod';
import { messageOf, TransientError } from '../../errors.ts';

/** How long one call to the emulator may take. */
const CALL_TIMEOUT_MS = 30_000;

const appSchema = z.object({ admin_user_id: z.string(), service_account_id: z.string() });
const tokenSchema = z.object({ access_token: z.string() });
const createdSchema = z.object({ id: z.string() });
const counts = z.record(z.string(), z.number());
const statsSchema = z.object({
  calls: z.object({ total: z.number(), by_user: counts, by_endpoint: counts }),
});

/** API calls counted by the emulator. */
export interface ApiCalls {
  readonly total: number;
  readonly byUser: Readonly<Record<string, number>>;
  readonly byEndpoint: Readonly<Record<string, number>>;
}

/** What the administrator prepares. */
export interface SharedFolder {
  readonly groupName: string;
  readonly folderName: string;
}

/** The administrator's part of a federation over Box, on an emulator: what a person would do in the web pages. */
export class Administrator {
  readonly #url: string;

  /** Units: `url` the emulator's address, without a path. */
  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
  }

  /**
   * Create the group with the app's service account in it, and the folder that the group may edit.
   *
   * Source: steps 6 to 8 of kMoL's administrator guide.
   */
  async prepare({ groupName, folderName }: SharedFolder): Promise<void> {
    const app = await this.#call(appSchema, 'GET', '/_emulator/app');
    const { access_token: token } = await this.#call(
      tokenSchema,
      'POST',
      `/_emulator/users/${app.admin_user_id}/token`,
      { body: {} },
    );
    const create = (path: string, body: unknown) => this.#call(createdSchema, 'POST', path, { body, token });
    const group = await create('/2.0/groups', { name: groupName });
    await create('/2.0/group_memberships', {
      user: { id: app.service_account_id },
      group: { id: group.id },
    });
    const folder = await create('/2.0/folders', { name: folderName, parent: { id: '0' } });
    await create('/2.0/collaborations', {
      item: { type: 'folder', id: folder.id },
      accessible_by: { type: 'group', id: group.id },
      role: 'editor',
    });
    // What the administrator did is not what the federation costs.
    await this.#send('POST', '/_emulator/stats/reset', {});
  }

  /** The calls that all programs together have made since the preparation. */
  async apiCalls(): Promise<ApiCalls> {
    const { calls } = await this.#call(statsSchema, 'GET', '/_emulator/stats');
    return { total: calls.total, byUser: calls.by_user, byEndpoint: calls.by_endpoint };
  }

  async #call<Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    path: string,
    request: { readonly body?: unknown; readonly token?: string } = {},
  ): Promise<z.output<Schema>> {
    const response = await this.#send(method, path, request);
    return schema.parse(await response.json());
  }

  async #send(
    method: string,
    path: string,
    { body, token }: { readonly body?: unknown; readonly token?: string },
  ): Promise<Response> {
    const failed = (reason: string, cause?: unknown) =>
      new TransientError({
        code: 'emulator-call',
        message: `the emulator did not do ${method} ${path}: ${reason}`,
        cause,
      });
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw failed(messageOf(error), error);
    });
    if (!response.ok) throw failed(`${response.status} ${(await response.text()).slice(0, 500)}`);
    return response;
  }
}
