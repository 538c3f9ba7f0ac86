/**
 * Comparators that sort any `count` values: pairs of positions, to be applied in order.
 *
 * Guarantees: the lower position of each pair gets the smaller value; about count * log2(count)^2 / 4 pairs.
 * Source: K. E. Batcher 1968, "Sorting networks and their applications": odd-even merge sort, as D. E. Knuth gives
 * it for any count (The Art of Computer Programming, vol. 3, 5.2.2, algorithm M).
 */
export function sortingNetwork(count: number): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  const top = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, count))) - 1);
  for (let p = top; p > 0; p = Math.floor(p / 2)) {
    let q = top;
    let r = 0;
    let d = p;
    for (;;) {
      for (let i = 0; i < count - d; i += 1) if ((i & p) === r) pairs.push([i, i + d]);
      if (q === p) break;
      d = q - p;
      q = Math.floor(q / 2);
      r = p;
    }
  }
  return pairs;
}
