/** Stored content, or a part of it. Both ends are included; an empty range has `end` before `start`. */
export interface ContentSlice {
  readonly blobId: string;
  readonly start: number;
  readonly end: number;
}

/** The body of an answer. */
export type ReplyBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: unknown }
  /** JSON written by the emulator itself, where JavaScript's numbers would not do. */
  | { readonly kind: 'text'; readonly text: string; readonly type: string }
  | { readonly kind: 'content'; readonly slice: ContentSlice };

/** An answer before it is written. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReplyBody;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** An answer with a JSON body. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = NO_HEADERS,
): Reply {
  return { status, headers, body: { kind: 'json', value } };
}

/** An answer without a body. */
export function empty(status = 204, headers: Readonly<Record<string, string>> = NO_HEADERS): Reply {
  return { status, headers, body: { kind: 'none' } };
}

/** An answer with a text body. */
export function text(content: string, type: string, status = 200): Reply {
  return { status, headers: NO_HEADERS, body: { kind: 'text', text: content, type } };
}
