import type { Authentication } from 'box-node-sdk/networking/auth';
import type { FetchOptionsInput } from 'box-node-sdk/networking/fetchOptions';
import type { FetchResponse } from 'box-node-sdk/networking/fetchResponse';
import type { NetworkClient } from 'box-node-sdk/networking/networkClient';
import type { AccessToken } from 'box-node-sdk/schemas/accessToken';
import type { SerializedData } from 'box-node-sdk/serialization/json';
import { InvariantError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { Access } from './access.ts';
import type { Transport } from './transport.ts';

/**
 * What the SDK speaks through, in place of its own client.
 *
 * Guarantees: an answer that the SDK gets is a good one; refusals leave as the errors of this project, straight
 * through the SDK.
 */
export class SdkNetwork implements NetworkClient {
  readonly #transport: Transport;
  readonly #access: Access;

  constructor(transport: Transport, access: Access) {
    this.#transport = transport;
    this.#access = access;
  }

  async fetch(options: FetchOptionsInput): Promise<FetchResponse> {
    invariant(
      options.multipartData === undefined && options.fileStream === undefined,
      'file content does not go through the SDK, which would hold it in memory',
    );
    const url = new URL(options.url);
    for (const [name, value] of Object.entries(options.params ?? {})) url.searchParams.set(name, value);
    const method = options.method.toUpperCase();
    const body =
      options.data === undefined || options.data === null
        ? undefined
        : ({
            kind: 'bytes',
            contentType: options.contentType ?? 'application/json',
            bytes: Buffer.from(JSON.stringify(options.data)),
          } as const);
    const answer = await this.#transport.call({
      method,
      url,
      headers: options.headers ?? {},
      body,
      access: options.auth === undefined ? undefined : this.#access,
      expect: 'json',
      writes: method !== 'GET' && method !== 'OPTIONS',
      meter: 'api',
      signal: options.cancellationToken as AbortSignal | undefined,
    });
    return {
      url: url.href,
      status: answer.status,
      headers: answer.headers,
      // The SDK's name for any parsed JSON.
      data: answer.json as SerializedData,
    };
  }
}

/** Tells the SDK that calls carry a token; which one is the network's business. */
export class SdkAuthentication implements Authentication {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async retrieveToken(): Promise<AccessToken> {
    return { accessToken: await this.#access.token() };
  }

  async refreshToken(): Promise<AccessToken> {
    return { accessToken: await this.#access.token() };
  }

  async retrieveAuthorizationHeader(): Promise<string> {
    return `Bearer ${await this.#access.token()}`;
  }

  revokeToken(): Promise<undefined> {
    throw new InvariantError({ code: 'unsupported', message: 'tokens are left to expire' });
  }

  downscopeToken(): Promise<AccessToken> {
    throw new InvariantError({ code: 'unsupported', message: 'tokens are narrowed by their grant' });
  }
}
