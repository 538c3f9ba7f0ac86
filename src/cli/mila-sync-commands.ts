import type { CommandSource } from './program.ts';

/** The commands of `mila-sync`, in the order of its help. */
export const MILA_SYNC_COMMANDS: readonly CommandSource[] = [
  { names: ['mount'], load: async () => [(await import('./commands/mount.ts')).mountCommand()] },
  { names: ['status'], load: async () => [(await import('./commands/status.ts')).statusCommand()] },
  {
    names: ['unmount', 'pause', 'resume', 'sync'],
    load: async () => (await import('./commands/control.ts')).controlCommands(),
  },
  { names: ['ls'], load: async () => [(await import('./commands/ls.ts')).lsCommand()] },
  { names: ['get', 'evict'], load: async () => (await import('./commands/files.ts')).fileCommands() },
  {
    names: ['history', 'restore'],
    load: async () => (await import('./commands/versions.ts')).versionCommands(),
  },
  { names: ['conflicts'], load: async () => [(await import('./commands/conflicts.ts')).conflictsCommand()] },
  { names: ['log'], load: async () => [(await import('./commands/log.ts')).logCommand()] },
  { names: ['verify'], load: async () => [(await import('./commands/verify.ts')).verifyCommand()] },
  { names: ['inspect'], load: async () => [(await import('./commands/inspect.ts')).inspectCommand()] },
  { names: ['export'], load: async () => [(await import('./commands/export.ts')).exportCommand()] },
  { names: ['replay'], load: async () => [(await import('./commands/replay.ts')).replayCommand()] },
  { names: ['doctor'], load: async () => [(await import('./commands/doctor.ts')).doctorCommand()] },
  { names: ['setup'], load: async () => [(await import('./commands/setup.ts')).setupCommand()] },
  { names: ['emulator'], load: async () => [(await import('./commands/emulator.ts')).emulatorCommand()] },
];
