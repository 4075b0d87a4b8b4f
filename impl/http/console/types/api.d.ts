// The types of the client, from those of the contract.
import type { components, paths } from "./openapi";

export type Schemas = components["schemas"];
export type Paths = paths;
export type Method = "get" | "put" | "post" | "patch" | "delete";

/** The operation of a path and method. */
export type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;

type Json<T> = T extends { content: { "application/json": infer B } } ? B : unknown;
type Success<O> = O extends { responses: infer R }
  ? R extends { 200: infer S } ? Json<S> : R extends { 201: infer S } ? Json<S> : unknown
  : unknown;

/** The body of a successful answer. */
export type Answer<P extends keyof paths, M extends Method> = Success<Operation<P, M>>;

type BodyOf<O> = O extends { requestBody?: infer B } ? Json<NonNullable<B>> : never;
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : never;

/** What a request has besides its method and path. */
export interface Request<P extends keyof paths, M extends Method> {
  /** The values of the path's parameters. */
  path?: Record<string, string>;
  query?: QueryOf<Operation<P, M>>;
  body?: BodyOf<Operation<P, M>>;
  signal?: AbortSignal;
  /** Whether to send no credentials. Such a request is not repeated. */
  anonymous?: boolean;
}
