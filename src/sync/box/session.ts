import { BoxClient } from 'box-node-sdk/client';
import { BaseUrls } from 'box-node-sdk/networking/baseUrls';
import { NetworkSession } from 'box-node-sdk/networking/network';
import { MilaError, messageOf, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { isAbort, throwIfAborted } from './abort.ts';
import type { Access } from './access.ts';
import type { BoxBaseUrls } from './box-configuration.ts';
import { SdkAuthentication, SdkNetwork } from './sdk-network.ts';
import type { Transport } from './transport.ts';

/** What every operation needs: one identity's typed client, and the transport under it. */
export interface BoxSession {
  readonly client: BoxClient;
  readonly transport: Transport;
  readonly access: Access;
  readonly baseUrls: BoxBaseUrls;
  readonly logger: Logger;
}

/** Let one identity speak, through the SDK for typed calls and directly for bytes. */
export function openSession(options: Omit<BoxSession, 'client'>): BoxSession {
  const { transport, access, baseUrls } = options;
  const client = new BoxClient({
    auth: new SdkAuthentication(access),
    networkSession: new NetworkSession({
      networkClient: new SdkNetwork(transport, access),
      baseUrls: new BaseUrls({
        baseUrl: baseUrls.api,
        uploadUrl: baseUrls.upload,
        oauth2Url: baseUrls.oauth2,
      }),
    }),
  });
  return { ...options, client };
}

/**
 * Make a typed call and take Box's own words, since the SDK's objects lack fields that Box sent.
 *
 * Errors: what the transport threw; TransientError 'answer-malformed' when the SDK cannot read the answer.
 */
export async function ask(
  signal: AbortSignal | undefined,
  request: () => Promise<{ readonly rawData?: unknown } | undefined>,
): Promise<unknown> {
  throwIfAborted(signal);
  try {
    return (await request())?.rawData;
  } catch (error) {
    if (error instanceof MilaError || isAbort(error)) throw error;
    throw new TransientError({
      code: 'answer-malformed',
      message: `Box answered in an unexpected way: ${messageOf(error)}`,
      effectUnknown: true,
      cause: error,
    });
  }
}

/** The SDK wants `undefined` keys left out. */
export function cancellable(signal: AbortSignal | undefined): { cancellationToken?: AbortSignal } {
  return signal === undefined ? {} : { cancellationToken: signal };
}

/**
 * Read without the SDK's decoding, which fails on the whole answer when one entry is of a kind it does not know.
 *
 * Errors: those of the transport.
 */
export async function readPlainly(
  session: BoxSession,
  path: string,
  query: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<unknown> {
  const url = new URL(`${session.baseUrls.api}/2.0/${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const { json } = await session.transport.call({
    method: 'GET',
    url,
    access: session.access,
    expect: 'json',
    writes: false,
    meter: 'api',
    signal,
  });
  return json;
}
