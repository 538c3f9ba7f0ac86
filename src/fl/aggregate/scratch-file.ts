import { type FileHandle, open, rm } from 'node:fs/promises';
import { temporaryPathFor } from '../../atomic-file.ts';
import { writeFully } from '../torch/archive-plan.ts';
import type { FileRange } from './element-job.ts';

/**
 * Room on disk for what cannot be read in order: rearranged tensors and inflated records.
 *
 * Guarantees: made when it is first needed; has no name once it is open, so nothing is left behind even by a crash.
 */
export class ScratchFile {
  readonly #beside: string;
  #handle: FileHandle | undefined;
  #end = 0;

  constructor(beside: string) {
    this.#beside = beside;
  }

  /** Keep bytes; they can be read at the range until `close`. */
  async keep(bytes: Uint8Array): Promise<FileRange> {
    this.#handle ??= await openNameless(this.#beside);
    const offset = this.#end;
    writeFully(this.#handle.fd, bytes, offset);
    this.#end += bytes.length;
    return { descriptor: this.#handle.fd, offset };
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

async function openNameless(beside: string): Promise<FileHandle> {
  const path = temporaryPathFor(beside);
  const handle = await open(path, 'wx+');
  await rm(path, { force: true });
  return handle;
}
