/** Follow roadmap-worker from a browser or Node 20. See docs/WEB.md. */

export type Status =
  | "pending" | "processing" | "human_review_pending"
  | "completed" | "partial_failure" | "failed" | "cancelled";

export type Step =
  | "queued" | "intent_analysis" | "curriculum_design" | "structure_validation"
  | "edit_plan_analysis" | "roadmap_edit" | "human_review" | "content_generation"
  | "resuming" | "completed";

export type ContentKind = "tutorial" | "resources" | "quiz";

/** Contents completed, contents in all (0 while unknown), per cent. */
export interface Progress {
  done: number;
  total: number;
  percent: number;
}

export type EventType =
  | "task_queued" | "task_started" | "task_recovered" | "task_retried"
  | "step_started" | "step_completed" | "step_retrying"
  | "roadmap_ready" | "review_required" | "review_reminder" | "review_decided"
  | "content_started" | "content_completed" | "content_failed" | "concept_completed"
  | "task_cancel_requested"
  | "task_completed" | "task_partially_failed" | "task_failed" | "task_cancelled";

/** A committed event. `data` depends on `type`: docs/EVENTS.md, docs/events.schema.json. */
export interface TaskEvent {
  /** Counts from 1 without gaps, per task. */
  seq: number;
  task_id: string;
  type: EventType;
  /** ISO 8601, UTC. */
  at: string;
  status: Status;
  current_step: Step;
  message: string;
  progress: Progress;
  data: Record<string, any>;
}

/** A piece of a text while it is being written; transient, may be missing, plain text. */
export interface ContentDelta {
  type: "content_delta";
  task_id: string;
  at: string;
  data: {
    concept_id: string;
    kind: ContentKind;
    version: number;
    /** Where `text` begins in the whole, in characters. */
    offset: number;
    text: string;
  };
}

export interface Task {
  task_id: string;
  user_id: string;
  goal: string;
  status: Status;
  current_step: Step;
  roadmap_id: string | null;
  attempt: number;
  progress: Progress;
  /** Seconds within which half, and nine tenths, of such tasks were done; null without evidence. */
  time_left_s: { p50: number; p90: number } | null;
  /** While it waits to be taken: its position (1 is next; null before it may start) and what for. */
  line: {
    position: number | null; reason: "worker" | "user_limit" | "starts_at"; message: string;
  } | null;
  error: { code: string; message: string; step: Step } | null;
  failed_contents: {
    concept_id: string; concept_title: string; kind: ContentKind; code: string; message: string;
  }[];
  /** How many failed; a list of tasks names only the first 20 of each. */
  failed_count: number;
  usage: { calls: number; tokens: number };
  last_seq: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  links: Record<string, string | null>;
}

export interface TaskRequest {
  goal: string;
  preferences?: {
    level?: "beginner" | "intermediate" | "advanced";
    hours_per_week?: number;
    language?: string;
    background?: string;
    content_formats?: string[];
  };
  /** Whether a human is asked before the contents are written; true by default. */
  review?: boolean;
}

export interface Notification {
  notification_id: string;
  task_id: string;
  kind:
    | "review_required" | "review_reminder"
    | "task_completed" | "task_partially_failed" | "task_failed";
  message: string;
  created_at: string;
  read_at: string | null;
}

export interface InboxPage {
  notifications: Notification[];
  unread: number;
  next_cursor: string | null;
}

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
  /** Come back at once, also after the end: the task was retried. */
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
  /** Origin of the API, such as `https://roadmaps.example`; "" is the page's own. */
  baseUrl?: string;
  /** Bearer token. It travels in headers only; sockets get a short-lived ticket instead. */
  token?: string | null;
  /** Asked before each request, for tokens that are renewed. */
  getToken?(): string | null | Promise<string | null>;
  /** Best first; leave one out to do without it. */
  transports?: Transport[];
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
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
  createTask(request: TaskRequest, options?: { idempotencyKey?: string }): Promise<Task>;
  task(taskId: string): Promise<Task>;
  /** One page of the log, at most 500 events. */
  events(taskId: string, options?: { after?: number }): Promise<TaskEvent[]>;
  watch(taskId: string, options?: WatchOptions): TaskWatch;
  watchInbox(handlers?: InboxHandlers): InboxWatch;
}

/** The API answered with a problem (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: {
    type?: string; title?: string; detail?: string; code?: string;
    errors?: { field: string; message: string; type: string }[];
  };
  readonly retryAfterMs: number | null;
  readonly temporary: boolean;
}

/** Nobody answered. */
export class UnreachableError extends Error {
  readonly code: "unreachable";
  readonly temporary: true;
}

export const TERMINAL_EVENTS: ReadonlySet<EventType>;
export const TERMINAL_STATUSES: ReadonlySet<Status>;

/** The wait before try number `attempt` (from 0), in ms: doubling, at most 30 s, with jitter. */
export function backoffMs(attempt: number, random?: () => number): number;

/** Returns a function that takes pieces of an event stream and calls back with each event. */
export function sseParser(received: (message: any) => void): (piece: string) => void;
