import { readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { StaleError } from '../../errors.ts';
import { PieceArena } from '../tensor/piece-arena.ts';
import { newFindings } from '../tensor/piece-operation.ts';
import { type ElementJob, type ElementResult, type FileRange, pieceBytesFor } from './element-job.ts';

/**
 * Runs jobs one after the other with positioned reads and writes.
 *
 * Guarantees: memory does not depend on the jobs' lengths; the results do not depend on how they are cut.
 * Errors: StaleError 'changed' when an input ends early.
 */
export class JobRunner {
  readonly #vectors: boolean;
  #arena: { readonly key: string; readonly arena: PieceArena } | undefined;

  constructor(vectors: boolean) {
    this.#vectors = vectors;
  }

  /** Run a job, yielding after every piece the bytes of input that it took. */
  *run(job: ElementJob): Generator<number, ElementResult> {
    const arena = this.#arenaFor(job.inputs.length, job.outputs.length);
    const findings = newFindings(job.operation, job.inputs.length);
    const checksums = job.outputs.map(() => 0);
    const inputChecksums = job.inputs.map(() => 0);
    const together = [...job.inputs.keys()].filter((index) => job.inputChecksums[index] === 'together');
    let foldedChecksum = 0;
    for (let done = 0; done < job.bytes; done += arena.pieceBytes) {
      const bytes = Math.min(arena.pieceBytes, job.bytes - done);
      for (const [index, range] of job.inputs.entries()) {
        const input = arena.input(index, bytes);
        readFully(range, done, input);
        if (job.inputChecksums[index] === 'alone')
          inputChecksums[index] = crc32(input, inputChecksums[index]);
      }
      // Before the operation: it may overwrite its inputs.
      if (together.length > 0) {
        const piece = { bytes, isFirst: done === 0, isLast: done + bytes === job.bytes };
        foldedChecksum = crc32(arena.fold(together, piece), foldedChecksum);
      }
      const size = { inputs: job.inputs.length, outputs: job.outputs.length, bytes };
      arena.run(job.operation, job.dtype, size, findings);
      for (const [index, range] of job.outputs.entries()) {
        const output = arena.output(index, bytes);
        checksums[index] = crc32(output, checksums[index]);
        writeFully(range, done, output);
      }
      yield bytes * job.inputs.length;
    }
    const { nonFinite, nonFiniteInputs, distances } = findings;
    return { checksums, inputChecksums, foldedChecksum, nonFinite, nonFiniteInputs, distances };
  }

  #arenaFor(inputs: number, outputs: number): PieceArena {
    const key = `${inputs} ${outputs}`;
    if (this.#arena?.key !== key) {
      // One more for what is folded.
      const pieceBytes = pieceBytesFor(inputs + outputs + 1);
      this.#arena = { key, arena: new PieceArena({ inputs, outputs, pieceBytes, vectors: this.#vectors }) };
    }
    return this.#arena.arena;
  }
}

function readFully({ descriptor, offset }: FileRange, from: number, target: Uint8Array): void {
  let done = 0;
  while (done < target.length) {
    const bytesRead = readSync(descriptor, target, done, target.length - done, offset + from + done);
    if (bytesRead === 0)
      throw new StaleError({ code: 'changed', message: 'an input became shorter while it was read' });
    done += bytesRead;
  }
}

function writeFully({ descriptor, offset }: FileRange, from: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length)
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + from + done);
}
