import type { RemoteId } from '../../ids.ts';
import type { RemoteStore } from './remote-store.ts';

/** One call, as a fault hook sees it before it happens. */
export interface MemoryCall {
  readonly operation: Exclude<keyof RemoteStore, 'close' | 'account'>;
  readonly user: string;
  readonly id?: RemoteId;
  readonly name?: string;
}

/** What goes wrong with a call. */
export type MemoryFault =
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Nothing happens but the error. */
  | { readonly kind: 'fail'; readonly error: Error }
  /** The effect happens, then the error. */
  | { readonly kind: 'lose-answer'; readonly error: Error }
  /** A download's stream ends in the error after so many bytes. */
  | { readonly kind: 'break'; readonly afterBytes: number; readonly error: Error }
  /** A download delivers another byte at this offset. */
  | { readonly kind: 'corrupt'; readonly atByte: number };

/** What a download delivers under a fault: the bytes, and the error after them. */
export function disturbed(
  bytes: Uint8Array,
  fault: MemoryFault | undefined,
): { bytes: Uint8Array; error?: Error } {
  if (fault?.kind === 'break') return { bytes: bytes.subarray(0, fault.afterBytes), error: fault.error };
  if (fault?.kind !== 'corrupt' || fault.atByte >= bytes.byteLength) return { bytes };
  const copy = Uint8Array.from(bytes);
  copy[fault.atByte] = (copy[fault.atByte] ?? 0) ^ 0xff;
  return { bytes: copy };
}
