import { ITEM_BYTES } from '../tensor/tensor.ts';
import type { TensorLayout } from './tensor-layout.ts';

/**
 * Copy a strided tensor into row-major order.
 *
 * Shapes: `spanned` holds the layout's span, its first element first; the result holds `count` elements.
 */
export function gather(spanned: Uint8Array, layout: TensorLayout): Uint8Array {
  const itemBytes = ITEM_BYTES[layout.dtype];
  const target = new Uint8Array(layout.count * itemBytes);
  const index = new Array<number>(layout.shape.length).fill(0);
  let from = 0;
  for (let done = 0; done < layout.count; done += 1) {
    const start = from * itemBytes;
    for (let byte = 0; byte < itemBytes; byte += 1)
      target[done * itemBytes + byte] = spanned[start + byte] ?? 0;
    from = advance(index, from, layout);
  }
  return target;
}

/** Step to the next element in row-major order, last dimension first; returns its place in the span. */
function advance(index: number[], from: number, layout: TensorLayout): number {
  let place = from;
  for (let axis = index.length - 1; axis >= 0; axis -= 1) {
    const stride = layout.stride[axis] ?? 0;
    const next = (index[axis] ?? 0) + 1;
    if (next < (layout.shape[axis] ?? 0)) {
      index[axis] = next;
      return place + stride;
    }
    place -= (next - 1) * stride;
    index[axis] = 0;
  }
  return place;
}
