/** How S3 is reached, by the settings or by a mount's own. */
import type { MountSettings } from '../config/mount-options.js';
import type { S3ConnectionSettings } from '../s3/s3-connection.js';

export function s3ConnectionSettings(settings: MountSettings, requestTimeoutMs: number): S3ConnectionSettings {
  // The SDK, once it is loaded, would warn of the Node that its releases of another year will need.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { underfsS3Endpoint: endpoint, underfsS3EndpointRegion, awsAccessKeyId, awsSecretKey } = settings;
  const region = underfsS3EndpointRegion ?? (endpoint === undefined ? undefined : 'us-east-1');
  const isConfigured = awsAccessKeyId !== undefined && awsSecretKey !== undefined;
  return {
    pathStyle: settings.underfsS3DisableDnsBuckets,
    requestTimeoutMs,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(isConfigured ? { credentials: { accessKeyId: awsAccessKeyId, secretAccessKey: awsSecretKey } } : {}),
  };
}
