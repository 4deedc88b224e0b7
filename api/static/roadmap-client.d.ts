/** Follow roadmap-worker from a browser or Node 20. See docs/WEB.md. */

import type {
  ConceptPage, ContentDelta, EventType, InboxPage, Notification, PartBody, PartPage, PartRegeneration,
  Problem, Results, Review, ReviewDecision, Roadmap, Status, Task, TaskEvent, TaskPage, TaskRequest,
  WorkflowPage,
} from "./client/types.js";

export * from "./client/types.js";

export type Transport = "websocket" | "sse" | "polling";

export type ConnectionState =
  /** Opening; `attempt` counts from 0 since the last good connection. */
  | { status: "connecting"; transport: Transport; attempt: number }
  | { status: "live"; transport: Transport }
  /** Tried again at `retryAt` (ms since 1970); not `reachable` means that nobody answers at all. */
  | { status: "waiting"; transport: null; reachable: boolean; retryAt: number }
  /** Everything was seen and the task is terminal. `resume()` goes on after a retry. */
  | { status: "ended"; transport: null }
  /** `stop()` was called. */
  | { status: "stopped"; transport: null }
  /** Not allowed, or not there; `onError` was told. */
  | { status: "refused"; transport: null };

export interface TaskHandlers {
  /** Each committed event, once, in order. */
  onEvent?(event: TaskEvent): void;
  /** Text as it is written, when the server streams it. */
  onDelta?(delta: ContentDelta): void;
  /** The task as it is now: after a gap in the events, and in the end. */
  onSnapshot?(task: Task, reason: "gap" | "end"): void;
  onState?(state: ConnectionState): void;
  /** The server refused: not signed in (401), not there (404). Nothing is tried again. */
  onError?(error: ApiError): void;
}

export interface WatchOptions extends TaskHandlers {
  /** The last `seq` already seen; 0 replays the whole log. */
  after?: number;
  /** After the end, look so often (ms) whether somebody retried the task; 0 is never. */
  revisitMs?: number;
}

export interface InboxHandlers {
  /** What is new, once. */
  onNotification?(notification: Notification): void;
  /** The newest 50 entries and the unread count: at the start, after each reconnect, on refresh. */
  onSnapshot?(page: InboxPage): void;
  onState?(state: ConnectionState): void;
  onError?(error: ApiError): void;
}

export interface TaskWatch {
  readonly lastSeq: number;
  readonly state: ConnectionState;
  /** Come back at once, also after the end (the task was retried) or a refusal (there is another token). */
  resume(): void;
  /** Close on purpose; nothing is tried again and no handler is called any more. */
  stop(): void;
}

export interface InboxWatch {
  readonly state: ConnectionState;
  refresh(): Promise<unknown>;
  stop(): void;
}

export interface ClientOptions {
  /** Address of the API, such as `https://roadmaps.example`; "" is the page's own. Anything else is a TypeError. */
  baseUrl?: string;
  /** Bearer token. It travels in headers only; sockets get a short-lived ticket instead. */
  token?: string | null;
  /** Asked before each request, for tokens that are renewed. */
  getToken?(): string | null | Promise<string | null>;
  /** Best first; leave one out to do without it. */
  transports?: Transport[];
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
  /**
   * How often a method sends a request again that failed in passing, where that cannot do anything
   * twice; 3 by default. Watches go on by themselves.
   */
  retries?: number;
  /** Source of jitter, for tests. */
  random?(): number;
}

export class RoadmapClient {
  constructor(options?: ClientOptions);
  /** JSON over HTTP with credentials, for what has no method here. */
  readonly http: {
    request(
      path: string,
      options?: {
        method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal;
        keepalive?: boolean;
      },
    ): Promise<{ status: number; data: any; headers: Headers }>;
  };
  /** Without a key each call is a task of its own, however often it has to be sent. */
  createTask(request: TaskRequest, options?: { idempotencyKey?: string }): Promise<Task>;
  /** The workflows that can be asked for, with the JSON Schemas of their requests. */
  workflows(): Promise<WorkflowPage>;
  /** Ask for a task of any workflow. Without `review` (or with true) humans are asked. */
  runWorkflow(
    workflow: string, request: Record<string, unknown>,
    options?: { review?: boolean; idempotencyKey?: string },
  ): Promise<Task>;
  /** A page of tasks, newest first; `next_cursor` leads to the next one. */
  tasks(options?: {
    status?: string | string[]; workflow?: string; q?: string; cursor?: string; limit?: number;
  }): Promise<TaskPage>;
  task(taskId: string): Promise<Task>;
  /** What its finished steps gave, by step; with `parts: false` without the steps that make parts. */
  results(taskId: string, options?: { parts?: boolean }): Promise<Results>;
  /** A page of its parts, in the order of steps and lists. */
  parts(
    taskId: string,
    options?: {
      step?: string; key?: string; kind?: string; status?: string | string[]; cursor?: string; limit?: number;
    },
  ): Promise<PartPage>;
  /** A part with what was made; `kind` is needed where a step makes several of each key. */
  part(
    taskId: string, step: string, key: string, options?: { kind?: string; version?: number },
  ): Promise<PartBody>;
  regeneratePart(
    taskId: string, step: string, key: string, what?: PartRegeneration,
  ): Promise<Task>;
  review(taskId: string): Promise<Review>;
  /** Decide the open review; with `version` only if that is still the one under review. */
  decide(taskId: string, decision: ReviewDecision, options?: { version?: number }): Promise<Task>;
  /** Have what failed, and only that, done again. */
  retry(taskId: string): Promise<Task>;
  /** Stop a task; a retry goes on from there. */
  cancel(taskId: string): Promise<Task>;
  roadmap(roadmapId: string): Promise<Roadmap>;
  /** A concept with the newest version of each content. */
  concept(roadmapId: string, conceptId: string): Promise<ConceptPage>;
  /** Have contents of a concept written anew. */
  regenerate(roadmapId: string, conceptId: string, kinds: string[]): Promise<Task>;
  /** One page of the log, at most 500 events. */
  events(taskId: string, options?: { after?: number }): Promise<TaskEvent[]>;
  watch(taskId: string, options?: WatchOptions): TaskWatch;
  /** `atFirst`: so many entries are enough at the start and after a reconnect; 50 by default. */
  watchInbox(handlers?: InboxHandlers, options?: { atFirst?: number }): InboxWatch;
}

/** The API answered with a problem (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Partial<Problem>;
  readonly retryAfterMs: number | null;
  readonly temporary: boolean;
}

/** Nobody answered, or not the API (a network's sign-in page, say). */
export class UnreachableError extends Error {
  readonly code: "unreachable";
  /** What was sent may have been done all the same; with the same idempotency key it is not done twice. */
  readonly uncertain: boolean;
  readonly temporary: true;
}

export const TERMINAL_EVENTS: ReadonlySet<EventType>;
export const TERMINAL_STATUSES: ReadonlySet<Status>;

/** The wait before try number `attempt` (from 0), in ms: doubling, at most 30 s, with jitter. */
export function backoffMs(attempt: number, random?: () => number): number;

/** Returns a function that takes pieces of an event stream and calls back with each event. */
export function sseParser(received: (message: any) => void): (piece: string) => void;
