import type { CommandSource } from './program.ts';

/** The commands of `mila`, in the order of its help. */
export const MILA_COMMANDS: readonly CommandSource[] = [
  { names: ['init'], load: async () => [(await import('./commands/init.ts')).initCommand()] },
  { names: ['up'], load: async () => [(await import('./commands/up.ts')).upCommand()] },
  { names: ['server'], load: async () => [(await import('./commands/server.ts')).serverCommand()] },
  { names: ['client'], load: async () => [(await import('./commands/client.ts')).clientCommand()] },
  { names: ['aggregate'], load: async () => [(await import('./commands/aggregate.ts')).aggregateCommand()] },
  {
    names: ['checkpoint'],
    load: async () => [(await import('./commands/checkpoint.ts')).checkpointCommand()],
  },
  {
    names: ['certificates'],
    load: async () => [(await import('./commands/certificates.ts')).certificatesCommand()],
  },
  { names: ['config'], load: async () => [(await import('./commands/config.ts')).configCommand()] },
  { names: ['demo'], load: async () => [(await import('./commands/demo.ts')).demoCommand()] },
];
