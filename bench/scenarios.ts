/**
 * All scenarios, in the order in which they run. Those with many files follow each other and share them; the replay comes before there is any checkpoint.
 */

import { blocks, complete, create, remove, removeTree, rename } from './change-scenarios.js';
import { checked } from './checked-scenario.js';
import { bootstrap, checkpoint } from './checkpoint-scenarios.js';
import { copy } from './copy-scenario.js';
import { data, dataSmall, dataTakeover } from './data-scenarios.js';
import { listFull, memory, replay } from './full-scenarios.js';
import { loadBucket, loadFolder, removeFull, storeBytes } from './namespace-scenarios.js';
import { list, status } from './read-scenarios.js';
import { s3 } from './s3-scenario.js';
import type { Scenario } from './scenario.js';
import { standbys, standbysS3 } from './standby-scenarios.js';
import { takeoverEmbedded, takeoverLarge, takeoverZooKeeper } from './takeover-scenarios.js';
import { scrape, webHdfs, webStatus } from './web-scenarios.js';
import { worker } from './worker-scenarios.js';

export const SCENARIOS: readonly Scenario[] = [
  create,
  s3,
  complete,
  blocks,
  checked,
  status,
  list,
  rename,
  remove,
  removeTree,
  loadFolder,
  loadBucket,
  storeBytes,
  memory,
  listFull,
  replay,
  copy,
  checkpoint,
  bootstrap,
  removeFull,
  data,
  dataSmall,
  dataTakeover,
  worker,
  webStatus,
  webHdfs,
  scrape,
  standbys,
  standbysS3,
  takeoverEmbedded,
  takeoverZooKeeper,
  takeoverLarge,
];
