/** Bounds of what a master takes over RPC. */
import type { Setting } from '../setting.js';
import { byteSize, integer } from '../value-type.js';

export const rpcSettings = {
  masterRpcFrameBytesMax: {
    key: 'master.rpc.frame.bytes.max',
    type: byteSize({ min: '128KB', max: '256MB' }),
    default: '16MB',
    inJournal: 'at start',
    help: 'Largest message; a connection that announces a larger one is closed. Has to hold a whole batch.',
  },
  masterRpcCallsMax: {
    key: 'master.rpc.calls.max',
    type: integer({ min: 16, max: 1_000_000 }),
    default: '8192',
    inJournal: 'at start',
    help: 'Calls in flight on one connection; further ones are refused at once.',
  },
  masterRpcConnectionsMax: {
    key: 'master.rpc.connections.max',
    type: integer({ min: 8, max: 1_000_000 }),
    default: '10000',
    inJournal: 'at start',
    help: 'Connections that are open at once; further ones are closed at once. Each takes a file descriptor.',
  },
  masterRpcOutgoingBytesMax: {
    key: 'master.rpc.outgoing.bytes.max',
    type: byteSize({ min: '1MB', max: '4GB' }),
    default: '64MB',
    inJournal: 'at start',
    help: 'Answers that may wait on one connection for a client that does not read; past it the connection is closed.',
  },
} as const satisfies Record<string, Setting>;
