#!/usr/bin/env node
import { MILA_COMMANDS } from './mila-commands.ts';
import { commandsFor, createProgram, runProgram } from './program.ts';

const purpose = 'federated learning on files: the server, the clients and their tools';
await runProgram(createProgram('mila', purpose, await commandsFor(process.argv, MILA_COMMANDS)));
