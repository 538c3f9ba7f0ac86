import { isFloating } from '../tensor/number-codec.ts';
import type { Dtype } from '../tensor/tensor.ts';

/** Names that PyTorch's own modules give to state that no optimiser trains. */
const BUFFER_NAMES: readonly RegExp[] = [
  /(^|\.)running_mean$/u,
  /(^|\.)running_var$/u,
  /(^|\.)num_batches_tracked$/u,
];

/**
 * True for a tensor that training moves along a gradient; false for buffers such as BatchNorm's statistics.
 *
 * A state dict does not say which is which: names tell, and types, as only floats have gradients. `buffers` are
 * further names or endings of names (".mask") that the user declares.
 */
export function isParameter(name: string, dtype: Dtype, buffers: readonly string[] = []): boolean {
  if (!isFloating(dtype)) return false;
  if (BUFFER_NAMES.some((pattern) => pattern.test(name))) return false;
  return !buffers.some((declared) => name === declared || name.endsWith(declared));
}
