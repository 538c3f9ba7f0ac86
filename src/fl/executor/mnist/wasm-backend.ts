import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { invariant } from '../../../invariant.ts';

/** Where the compiled kernels stand: beside the built program, else in the package they come from. */
function kernelFolder(): string {
  const built = fileURLToPath(new URL('./kernels', import.meta.url));
  if (existsSync(built)) return built;
  const resolve = createRequire(import.meta.url).resolve;
  return join(dirname(resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out');
}

/**
 * Make TensorFlow.js of this thread compute with its WASM backend.
 *
 * Guarantees: one thread of computation: several participants share a machine in trials, and a small network gains
 * nothing from more.
 */
export async function useWasmBackend(): Promise<void> {
  setWasmPaths(`${kernelFolder()}/`);
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const ready = await tf.setBackend('wasm');
  invariant(ready, 'the WASM backend of TensorFlow.js does not start');
  await tf.ready();
}
