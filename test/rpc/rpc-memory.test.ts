import { rpcSuite } from './rpc-suite.js';
import { memoryWorld } from './worlds.js';

rpcSuite('the memory network', () => memoryWorld().world);
