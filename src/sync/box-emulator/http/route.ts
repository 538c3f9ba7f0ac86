import type { ActorContext, RequestContext } from './context.ts';
import type { Reply } from './reply.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

interface RouteBase {
  readonly method: Method;
  /** Path with `:name` for its variable parts; the name under which calls are counted. */
  readonly path: string;
}

/** One endpoint, by who may call it. */
export type Route =
  /** No token needed, counted as an API call. */
  | (RouteBase & { readonly kind: 'open'; handle(context: RequestContext): Reply | Promise<Reply> })
  /** Neither token nor count: long poll and download host. */
  | (RouteBase & { readonly kind: 'uncounted'; handle(context: RequestContext): Reply | Promise<Reply> })
  /** The emulator's own address space, loopback only. */
  | (RouteBase & { readonly kind: 'control'; handle(context: RequestContext): Reply | Promise<Reply> })
  | (RouteBase & {
      readonly kind: 'api';
      /** True when the upload limit counts it, too. */
      readonly upload?: boolean;
      handle(context: ActorContext): Reply | Promise<Reply>;
    });

/** An endpoint that needs a token. */
export function api(
  method: Method,
  path: string,
  handle: (context: ActorContext) => Reply | Promise<Reply>,
  options: { readonly upload?: boolean } = {},
): Route {
  return { kind: 'api', method, path, handle, ...options };
}

/** An endpoint without a token. */
export function plain(
  kind: 'open' | 'uncounted' | 'control',
  method: Method,
  path: string,
  handle: (context: RequestContext) => Reply | Promise<Reply>,
): Route {
  return { kind, method, path, handle };
}
