/**
 * The description of this product's own HTTP API (OpenAPI 3), made of the routes' schemas: `GET /api/v1/openapi.json`, and docs/api/openapi.json.
 * WebHDFS is Hadoop's to describe.
 */
import swagger from '@fastify/swagger';
import { Type } from 'typebox';
import type { WebApp } from './web-app.js';

const Refusal = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'As RPC clients get it: not_found, unavailable …' }),
      message: Type.String({ description: 'For people.' }),
      errno: Type.Optional(Type.String({ description: "POSIX's name of the refusal, where it has one: ENOENT …" })),
      path: Type.Optional(Type.String({ description: 'What it is about.' })),
    }),
  },
  { description: 'It was refused, or went wrong; the status code says how.' },
);

const Description = Type.Object({}, { description: 'This description itself.', additionalProperties: true });

/** To be called before the routes that are to be described. */
export async function describeApi(app: WebApp, version: string): Promise<void> {
  app.addHook('onRoute', (route) => {
    const { schema } = route;
    if (schema === undefined || schema.hide === true) return;
    schema.response = { default: Refusal, ...(schema.response as object) };
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Understudy',
        version,
        description: 'HTTP of a master, leader and standby alike: its state, health and figures, and the namespace.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The web port of any master.' }],
    },
    transformObject: (document) => ('openapiObject' in document ? withPathNamed(document.openapiObject) : document.swaggerObject),
  });
  const schema = { summary: 'This description', response: { 200: Description } };
  app.get('/api/v1/openapi.json', { schema }, async (_request, reply) => {
    reply.serializer((description) => JSON.stringify(description));
    return app.swagger();
  });
}

/** What stands for the rest of an address has no name in the router, and needs one here. */
function withPathNamed<D extends { paths?: object | undefined }>(description: D): D {
  const path = {
    in: 'path',
    name: 'path',
    required: true,
    schema: { type: 'string' },
    description: 'The path, each name percent-encoded.',
  };
  const paths = Object.entries(description.paths ?? {}).map(([address, methods]) => {
    if (!address.includes('{*}')) return [address, methods];
    const named = Object.entries(methods as Record<string, { parameters?: readonly { name: string }[] }>).map(([method, operation]) => {
      const parameters = (operation.parameters ?? []).map((parameter) => (parameter.name === '*' ? path : parameter));
      return [method, { ...operation, parameters }];
    });
    return [address.replace('{*}', '{path}'), Object.fromEntries(named)];
  });
  return { ...description, paths: Object.fromEntries(paths) };
}
