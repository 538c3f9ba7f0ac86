/** `mila-sync/box-emulator`: a Box on this machine, for the tests of any program that talks to Box. */
export type { LogFields, Logger } from '../logger.ts';
export {
  type BoxKeyFile,
  type EmulatorOptions,
  type RunningEmulator,
  startEmulator,
} from '../sync/box-emulator/emulator.ts';
export type { SettingValues } from '../sync/box-emulator/setting-values.ts';
