/** `mila-sync/sync`: the two-way sync engine over Box, or over a store of one's own. */

export { type RemoteId, remoteId } from '../ids.ts';
export type { LogFields, Logger } from '../logger.ts';
export {
  type BoxConfiguration,
  parseBoxConfiguration,
  readBoxConfiguration,
} from '../sync/box/box-configuration.ts';
export type { BoxIdentity } from '../sync/box/box-identity.ts';
export type { EngineState } from '../sync/engine/status.ts';
export type { MountStatus } from '../sync/mount/mount-status.ts';
export type { BandwidthLimits } from '../sync/mount/throttled-store.ts';
export type {
  ChangeHint,
  ChangePage,
  DownloadRequest,
  NewFile,
  NewVersion,
  Relocation,
  RemoteCall,
  RemoteCallLedger,
  RemoteStore,
  RemoteVersion,
  Removal,
  TransferOptions,
  UploadResumption,
  UploadSource,
  Visibility,
} from '../sync/remote/remote-store.ts';
export type {
  Content,
  EntryKind,
  RemoteEntry,
  RemoteFile,
  RemoteFolder,
  RemoteUser,
} from '../sync/tree/entry.ts';
export { type BoxOptions, boxStore } from './box.ts';
export { type MirrorOptions, mirror, type RunningMirror } from './mirror.ts';
