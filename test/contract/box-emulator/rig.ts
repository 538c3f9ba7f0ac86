import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import {
  type EmulatorOptions,
  type RunningEmulator,
  startEmulator,
} from '../../../src/sync/box-emulator/emulator.ts';

/** An answer, taken apart. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, or undefined. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into Box's JSON freely.
  readonly body: any;
}

/** One exchange, for the check against Box's own description. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly answer: Answer;
}

export interface Call {
  readonly token?: string;
  readonly json?: unknown;
  readonly body?: string | Uint8Array | FormData | ReadableStream;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Claims {
  readonly [name: string]: unknown;
}

export const sha1 = (bytes: Uint8Array | string) => createHash('sha1').update(bytes).digest('hex');
export const digest = (bytes: Uint8Array) => `sha=${createHash('sha1').update(bytes).digest('base64')}`;

/** An emulator and everything that a test does to it over HTTP. */
export class Rig {
  readonly running: RunningEmulator;
  readonly exchanges: Exchange[] = [];

  private constructor(running: RunningEmulator) {
    this.running = running;
  }

  static async open(options: EmulatorOptions = {}): Promise<Rig> {
    return new Rig(await startEmulator({ rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0, ...options }));
  }

  get url(): string {
    return this.running.url;
  }

  close(): Promise<void> {
    return this.running.close();
  }

  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const url = path.startsWith('http') ? path : `${this.url}${path}`;
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
        ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as unknown as RequestInit);
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
    this.exchanges.push({ method, path: new URL(url).pathname, answer });
    return answer;
  }

  get(path: string, token?: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.call('GET', path, { ...(token === undefined ? {} : { token }), headers });
  }

  control(method: string, path: string, json?: unknown): Promise<Answer> {
    return this.call(method, `/_emulator${path}`, json === undefined ? {} : { json });
  }

  settings(change: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.control('POST', '/settings', change);
  }

  async tokenOf(userId: string): Promise<string> {
    return (await this.control('POST', `/users/${userId}/token`)).body.access_token;
  }

  service(): Promise<string> {
    return this.tokenOf(this.running.serviceAccountId);
  }

  /** A signed assertion, with any claim or header bent as the test wants. */
  async assertion(claims: Claims = {}, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { boxAppSettings, enterpriseID } = this.running.configuration;
    const key = createPrivateKey({
      key: boxAppSettings.appAuth.privateKey,
      passphrase: boxAppSettings.appAuth.passphrase,
    });
    const payload = {
      iss: boxAppSettings.clientID,
      sub: enterpriseID,
      box_sub_type: 'enterprise',
      aud: 'https://api.box.com/oauth2/token',
      jti: randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 30,
      ...claims,
    };
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
  }

  form(fields: Readonly<Record<string, string>>): Promise<Answer> {
    return this.call('POST', '/oauth2/token', {
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  }

  grant(assertion: string, change: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const { boxAppSettings } = this.running.configuration;
    return this.form({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: boxAppSettings.clientID,
      client_secret: boxAppSettings.clientSecret,
      assertion,
      ...change,
    });
  }

  async appUser(name: string): Promise<{ readonly id: string; readonly token: string }> {
    const token = await this.service();
    const made = await this.call('POST', '/2.0/users', {
      token,
      json: { name, is_platform_access_only: true },
    });
    return { id: made.body.id, token: await this.tokenOf(made.body.id) };
  }

  async folder(token: string, parentId: string, name: string): Promise<string> {
    const made = await this.call('POST', '/2.0/folders', { token, json: { name, parent: { id: parentId } } });
    if (made.status !== 201) throw new Error(`folder ${name}: ${made.text}`);
    return made.body.id;
  }

  upload(
    token: string,
    attributes: Readonly<Record<string, unknown>>,
    bytes: Uint8Array | string,
    headers: Readonly<Record<string, string>> = {},
    path = '/api/2.0/files/content',
  ): Promise<Answer> {
    const form = new FormData();
    form.append('attributes', JSON.stringify(attributes));
    form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), 'file');
    return this.call('POST', path, { token, body: form, headers });
  }

  async file(
    token: string,
    parentId: string,
    name: string,
    bytes: Uint8Array | string = name,
  ): Promise<string> {
    const made = await this.upload(token, { name, parent: { id: parentId } }, bytes);
    if (made.status !== 201) throw new Error(`file ${name}: ${made.text}`);
    return made.body.entries[0].id;
  }

  version(
    token: string,
    id: string,
    bytes: Uint8Array | string,
    headers: Readonly<Record<string, string>> = {},
    attributes: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    return this.upload(token, attributes, bytes, headers, `/api/2.0/files/${id}/content`);
  }

  async download(token: string, id: string, query = ''): Promise<Buffer> {
    const redirect = await this.get(`/2.0/files/${id}/content${query}`, token);
    const response = await fetch(redirect.headers.get('location') ?? '');
    return Buffer.from(await response.arrayBuffer());
  }

  async share(token: string, itemId: string, userId: string, role: string, type = 'folder'): Promise<Answer> {
    return this.call('POST', '/2.0/collaborations', {
      token,
      json: { item: { type, id: itemId }, accessible_by: { type: 'user', id: userId }, role },
    });
  }

  async events(token: string, position: string | number, query = ''): Promise<Answer> {
    return this.get(`/2.0/events?stream_position=${position}${query}`, token);
  }

  async now(token: string): Promise<number> {
    return (await this.events(token, 'now')).body.next_stream_position;
  }
}
