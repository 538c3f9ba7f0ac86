/** The bounds within which a checkpoint is read: beyond any of them it is refused, whatever it claims. */
export interface CheckpointLimits {
  /** Largest pickle stream (names, shapes; never tensor data). Units: bytes. */
  readonly pickleBytesMax: number;
  /** Most instructions of one pickle stream. */
  readonly opcodesMax: number;
  /** Most records of one archive. */
  readonly recordsMax: number;
  /** Most tensors under one root. */
  readonly tensorsMax: number;
  /** Largest record that is inflated, all of it in memory. Units: bytes. */
  readonly inflatedBytesMax: number;
  /** Largest tensor that is ever put in memory whole. Units: bytes. */
  readonly tensorBytesMax: number;
  /** How far containers may nest below the root. */
  readonly depthMax: number;
  /** Longest name: of a class, a tensor, a module. Units: bytes. */
  readonly nameBytesMax: number;
  /** What may be made out of any file, however short. Units: bytes. */
  readonly createdBytesMin: number;
  /** What each byte of the file adds to it: a tensor of a real checkpoint takes three to five. */
  readonly createdBytesPerByte: number;
  /** What may be made out of any file, however long. Units: bytes. */
  readonly createdBytesMax: number;
  /** What all tensors together may come to, in any file. Units: bytes. */
  readonly unfoldedBytesMin: number;
  /** What each byte of the file adds to it: tensors may share storages. */
  readonly unfoldedBytesPerByte: number;
}

/** Generous for real models (100 000 tensors), small for this machine. */
export const DEFAULT_LIMITS: CheckpointLimits = {
  pickleBytesMax: 64 * 1024 * 1024,
  opcodesMax: 8_000_000,
  recordsMax: 1_000_000,
  tensorsMax: 500_000,
  inflatedBytesMax: 64 * 1024 * 1024,
  tensorBytesMax: 4 * 1024 * 1024 * 1024,
  depthMax: 64,
  nameBytesMax: 1024,
  createdBytesMin: 48 * 1024 * 1024,
  createdBytesPerByte: 16,
  createdBytesMax: 384 * 1024 * 1024,
  unfoldedBytesMin: 64 * 1024 * 1024,
  unfoldedBytesPerByte: 4,
};
