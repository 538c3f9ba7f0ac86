import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { invariant } from '../../../invariant.ts';

/**
 * Make TensorFlow.js of this thread compute with its WASM backend.
 *
 * Guarantees: one thread of computation: several participants share a machine in trials, and a small network gains
 * nothing from more.
 */
export async function useWasmBackend(): Promise<void> {
  const resolve = createRequire(import.meta.url).resolve;
  const folder = join(dirname(resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out');
  setWasmPaths(`${folder}/`);
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const ready = await tf.setBackend('wasm');
  invariant(ready, 'the WASM backend of TensorFlow.js does not start');
  await tf.ready();
}
