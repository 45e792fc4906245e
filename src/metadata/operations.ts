/**
 * The one table of operations: what clients can ask of a master.
 *
 * To add an operation of the namespace: its messages in proto/namespace.proto (and its entry in proto/journal.proto if it changes something), a
 * `plan-<operation>.ts` and its case in apply.ts, or a query in queries.ts, and a row here. Masters serve it and clients can call it then.
 * Method numbers are never reused.
 */
import { understudy } from '#proto/understudy.js';
import { askAccess, getXattrs } from './access-queries.js';
import { getBlockLocations } from './block-locations.js';
import { contentSummary } from './content-summary.js';
import { getConfig } from './get-config.js';
import { listCursors } from './list-cursors.js';
import { listMounts } from './list-mounts.js';
import { control, controlStream, mutation, query, stream } from './operation.js';
import { planAddBlocks } from './plan-add-blocks.js';
import { planAppendFile } from './plan-append-file.js';
import { planCommitPersist } from './plan-commit-persist.js';
import { planCompleteFile } from './plan-complete-file.js';
import { planConcat } from './plan-concat.js';
import { planCreateDirectory } from './plan-create-directory.js';
import { planCreateFile } from './plan-create-file.js';
import { planMount, planUnmount, planUpdateMount } from './plan-mount.js';
import { planMulti, type StepOf, stepWishes } from './plan-multi.js';
import { planRemove } from './plan-remove.js';
import { planRename } from './plan-rename.js';
import { planRenewLease } from './plan-renew-lease.js';
import { planSetAcl } from './plan-set-acl.js';
import { planSetAttributes } from './plan-set-attributes.js';
import { planSetConfig } from './plan-set-config.js';
import { planSetCursor } from './plan-set-cursor.js';
import { planSetQuota } from './plan-set-quota.js';
import { planRemoveXattr, planSetXattr } from './plan-set-xattr.js';
import { planTruncateFile } from './plan-truncate-file.js';
import { exists, getStatus, listStatus } from './queries.js';

export const operations = {
  registerClient: control(1, understudy.RegisterClientRequest, understudy.RegisterClientResponse),
  closeClient: control(2, understudy.CloseClientRequest, understudy.CloseClientResponse),
  masterStatus: control(3, understudy.MasterStatusRequest, understudy.MasterStatusResponse),
  digest: control(4, understudy.DigestRequest, understudy.DigestResponse),
  checkpoint: control(5, understudy.CheckpointRequest, understudy.CheckpointResponse),
  makeCheckpoint: control(6, understudy.MakeCheckpointRequest, understudy.MakeCheckpointItem),
  followJournal: controlStream(7, understudy.FollowJournalRequest, understudy.FollowJournalItem),
  reportApplied: control(10, understudy.ReportAppliedRequest, understudy.ReportAppliedResponse),
  transferLeader: control(8, understudy.TransferLeaderRequest, understudy.TransferLeaderResponse),
  takeLead: control(9, understudy.TakeLeadRequest, understudy.TakeLeadResponse),
  watch: controlStream(11, understudy.WatchRequest, understudy.WatchItem),
  loadMetadata: controlStream(12, understudy.LoadMetadataRequest, understudy.LoadMetadataItem),
  checkConsistency: controlStream(13, understudy.CheckConsistencyRequest, understudy.CheckConsistencyItem),
  masterReport: control(14, understudy.MasterReportRequest, understudy.MasterReportResponse),
  listFeatures: control(64, understudy.ListFeaturesRequest, understudy.ListFeaturesResponse),
  enableFeatures: control(65, understudy.EnableFeaturesRequest, understudy.EnableFeaturesResponse),
  replicaReport: control(55, understudy.ReplicaReportRequest, understudy.ReplicaReportResponse),
  replication: control(68, understudy.ReplicationRequest, understudy.ReplicationResponse),
  logLevel: control(66, understudy.LogLevelRequest, understudy.LogLevelResponse),
  freeze: control(60, understudy.FreezeRequest, understudy.FreezeResponse),
  unfreeze: control(61, understudy.UnfreezeRequest, understudy.UnfreezeResponse),
  registerWorker: control(70, understudy.RegisterWorkerRequest, understudy.RegisterWorkerResponse),
  reportBlocks: control(71, understudy.ReportBlocksRequest, understudy.ReportBlocksResponse),
  workerHeartbeat: control(72, understudy.WorkerHeartbeatRequest, understudy.WorkerHeartbeatResponse),
  listWorkers: control(73, understudy.ListWorkersRequest, understudy.ListWorkersResponse),
  free: control(74, understudy.FreeRequest, understudy.FreeResponse),

  getStatus: query(16, understudy.GetStatusRequest, understudy.GetStatusResponse, getStatus),
  exists: query(17, understudy.ExistsRequest, understudy.ExistsResponse, exists),
  listStatus: stream(18, understudy.ListStatusRequest, understudy.ListStatusPage, listStatus),
  getXattrs: query(19, understudy.GetXattrsRequest, understudy.GetXattrsResponse, getXattrs),
  checkAccess: query(20, understudy.CheckAccessRequest, understudy.CheckAccessResponse, askAccess),
  contentSummary: query(21, understudy.ContentSummaryRequest, understudy.ContentSummaryResponse, contentSummary),
  getBlockLocations: query(22, understudy.GetBlockLocationsRequest, understudy.GetBlockLocationsResponse, getBlockLocations),
  listMounts: query(23, understudy.ListMountsRequest, understudy.ListMountsResponse, listMounts),
  listCursors: query(24, understudy.ListCursorsRequest, understudy.ListCursorsResponse, listCursors),
  getConfig: query(57, understudy.GetConfigRequest, understudy.GetConfigResponse, getConfig),

  createFile: mutation(32, understudy.CreateFileRequest, planCreateFile),
  completeFile: mutation(33, understudy.CompleteFileRequest, planCompleteFile),
  createDirectory: mutation(34, understudy.CreateDirectoryRequest, planCreateDirectory),
  rename: mutation(35, understudy.RenameRequest, planRename),
  remove: mutation(36, understudy.RemoveRequest, planRemove),
  setAttributes: mutation(37, understudy.SetAttributesRequest, planSetAttributes),
  addBlocks: mutation(38, understudy.AddBlocksRequest, planAddBlocks),
  appendFile: mutation(39, understudy.AppendFileRequest, planAppendFile),
  truncateFile: mutation(40, understudy.TruncateFileRequest, planTruncateFile),
  concat: mutation(41, understudy.ConcatRequest, planConcat),
  renewLease: mutation(42, understudy.RenewLeaseRequest, planRenewLease),
  setQuota: mutation(43, understudy.SetQuotaRequest, planSetQuota),
  setAcl: mutation(44, understudy.SetAclRequest, planSetAcl),
  setXattr: mutation(45, understudy.SetXattrRequest, planSetXattr),
  removeXattr: mutation(46, understudy.RemoveXattrRequest, planRemoveXattr),
  multi: mutation(47, understudy.MultiRequest, planMulti(stepOf), stepWishes(stepOf)),
  mount: mutation(48, understudy.MountRequest, planMount),
  unmount: mutation(49, understudy.UnmountRequest, planUnmount),
  updateMount: mutation(50, understudy.UpdateMountRequest, planUpdateMount),
  setCursor: mutation(51, understudy.SetCursorRequest, planSetCursor),
  commitPersist: mutation(52, understudy.CommitPersistRequest, planCommitPersist),
  setConfig: mutation(56, understudy.SetConfigRequest, planSetConfig),
} as const;

/** What a `multi` may do: all that changes the namespace, but mounts and settings. */
const steps = new Map(
  Object.values(operations).flatMap((operation) => {
    const { multi, mount, unmount, updateMount, setConfig } = operations;
    const isStep = operation.kind === 'mutation' && ![multi, mount, unmount, updateMount, setConfig].includes(operation as never);
    return isStep ? [[operation.method, operation.prepare] as const] : [];
  }),
);

function stepOf(method: number): ReturnType<StepOf> {
  return steps.get(method);
}
