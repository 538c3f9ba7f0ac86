/** Formats that are written in pieces, and of which no file is empty: archives, checkpoints, arrays. */
const BULK = /\.(agg|ckpt|gz|h5|hdf5|npy|npz|onnx|parquet|pt|pth|safetensors|tar|zip|zst)$/i;

/** True for a name under which much content is to be expected, however little stands there yet. */
export function isBulkName(name: string): boolean {
  return BULK.test(name);
}
