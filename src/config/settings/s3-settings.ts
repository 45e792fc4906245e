/** How S3 is reached. */
import type { Setting } from '../setting.js';
import { boolean, duration, endpoint, name } from '../value-type.js';

export const s3Settings = {
  underfsS3Endpoint: {
    key: 'underfs.s3.endpoint',
    type: endpoint,
    help: "URL of the S3 server, where it is not Amazon's.",
  },
  underfsS3EndpointRegion: {
    key: 'underfs.s3.endpoint.region',
    type: name,
    help: 'Region that requests are signed for. Unset: as the AWS SDK finds it (environment, profile), or us-east-1 where an endpoint is set.',
  },
  underfsS3DisableDnsBuckets: {
    key: 'underfs.s3.disable.dns.buckets',
    type: boolean,
    default: 'false',
    help: 'Whether the bucket is named in the path and not in the host name: most servers that are not Amazon need true.',
  },
  awsAccessKeyId: {
    key: 'aws.accessKeyId',
    type: name,
    alsoSpelled: ['aws.accessKeyId', 's3a.accessKeyId'],
    isSecret: true,
    help: 'Access key for S3. Unset: as the AWS SDK finds credentials (environment, profile, role of the machine).',
  },
  awsSecretKey: {
    key: 'aws.secretKey',
    type: name,
    alsoSpelled: ['aws.secretKey', 's3a.secretKey'],
    isSecret: true,
    help: 'Secret key for S3. It is never shown.',
  },
  underfsS3RequestTimeoutMs: {
    key: 'underfs.s3.request.timeout',
    type: duration({ min: '100ms', max: '10min' }),
    default: '1min',
    help: 'Longest wait for the answer to one request to mounted storage on S3. The journal has a setting of its own.',
  },
} as const satisfies Record<string, Setting>;
