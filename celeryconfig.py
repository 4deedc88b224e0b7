"""Celery's settings, each with its reason. Addresses come from the environment (worker.app)."""

from kombu import Queue

from core.jobs import JOBS

# --- what is sent ------------------------------------------------------------------------------
task_serializer = "json"  # only data: whoever can write to the broker must not be able to run code
accept_content = ["json"]  # and nothing else is read
task_protocol = 2  # arguments readable in Flower
task_ignore_result = True  # results are rows; Celery's own store would be a second truth
task_store_errors_even_if_ignored = False  # the same reason

# --- where it goes -----------------------------------------------------------------------------
task_queues = [Queue("roadmap"), Queue("maintenance")]  # long work must not hold up upkeep
task_default_queue = "roadmap"
task_create_missing_queues = False  # a typing error in a queue's name is an error, not a dead end
task_routes = {
    "roadmap.*": {"queue": "roadmap"},
    "workflow.*": {"queue": "roadmap"},
    "maintenance.*": {"queue": "maintenance"},
}

# --- who takes it ------------------------------------------------------------------------------
# the adapters; by name, because they stand above this in the layers. Beat and Flower import none
# of them (worker.commands)
imports = (
    "tasks.flower",
    "tasks.late_rings",
    "tasks.maintenance",
    "tasks.roadmap",
    "wiring.worker",
)
task_acks_late = False  # Redis is a doorbell: the row is the truth, the lease says who works. Late
# acks would redeliver running work after the visibility time-out, and Celery 5.7.0 exits when Redis
# restarts while a late-ack task runs and a slot is free
worker_prefetch_multiplier = 1  # with the next line: no message waits inside a busy worker
worker_disable_prefetch = True  # fetch only when a slot is free
# the pool is threads unless `-P` says otherwise (worker.app): a pool thread only waits, the work
# runs on the process's event loop. It is not set here, for `-P prefork` would give way to it
worker_concurrency = 16  # workflows at a time in this process; above 200 service time suffers
worker_cancel_long_running_tasks_on_connection_loss = False  # work goes on without Redis
worker_consumer = "worker.consumer:Consumer"  # survives a Redis that dies with messages fetched
worker_max_tasks_per_child = None  # (prefork) recycling children would only lose leases

# --- Redis that is slow, silent or gone ----------------------------------------------------------
broker_connection_retry_on_startup = True  # a worker may start before Redis
broker_connection_max_retries = None  # and waits for it for ever
broker_channel_error_retry = True  # nor does it end when Redis refuses a command: it is full, only
# a replica now, cannot save, or somebody put a text where a queue belongs
broker_transport_options = {
    "visibility_timeout": 30,  # what a killed worker had fetched comes back after this: whoever
    # lives renews its own every few seconds (worker.intake.keeping), so work may take longer; must
    # be the same here and in the two places below
    "unacked_restore_interval": 10,  # … or at the next look, …
    "unacked_restore_throttle": 1,  # … which is each one, not every tenth
    # keys of our own: kombu's are shared by all programs on a Redis, and whoever waits the shortest
    # would give back what others hold
    "unacked_key": "roadmap:unacked",
    "unacked_index_key": "roadmap:unacked_index",
    "unacked_mutex_key": "roadmap:unacked_mutex",
    "socket_timeout": 5,  # kombu's default is none: a black-holed worker hung for over 75 s
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": False,  # redis-py would then also mend a cut subscription by itself, and
    # kombu would wait for ever for a message on it: the worker would take none any more
}
visibility_timeout = broker_transport_options["visibility_timeout"]
result_backend_transport_options = {"visibility_timeout": visibility_timeout}

# --- what can be watched -------------------------------------------------------------------------
worker_send_task_events = True  # Flower shows deliveries …
task_send_sent_event = True  # … from the moment they were sent
task_track_started = True
worker_hijack_root_logger = False  # structlog formats our logs
worker_redirect_stdouts = False  # the same reason
worker_proc_alive_timeout = 30  # (prefork) a child on a busy machine may take its time to start

# --- stopping ------------------------------------------------------------------------------------
worker_soft_shutdown_timeout = 0  # our own drain (SHUTDOWN_GRACE_S) lets steps finish

# --- upkeep --------------------------------------------------------------------------------------
timezone = "UTC"
enable_utc = True
beat_scheduler = "worker.scheduler:Scheduler"  # remembers nothing: Celery keeps a pickle on disk,
# which runs the code of whoever may write there, and the rows know when each job ran
beat_max_loop_interval = 5  # look often: the shortest job runs every 5 s
beat_schedule = {
    job.name: {
        "task": job.name.celery_name,
        "schedule": job.ask_every_s,  # only a question: the job's row says whether it is due
        "kwargs": {"scheduled": True},
        # an old question is of no use: without this they pile up while workers are busy
        "options": {"expires": max(job.ask_every_s, 15)},
    }
    for job in JOBS.values()
}
