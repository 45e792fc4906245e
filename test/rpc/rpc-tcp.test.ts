import { rpcSuite } from './rpc-suite.js';
import { tcpWorld } from './worlds.js';

rpcSuite('TCP', tcpWorld);
