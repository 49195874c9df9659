"""Every metric and every log event, declared with its one-line meaning before it is used."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters and gauges that the parts write. One instance a daemon; figures of pools are read from
    the view instead."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._ingest()
        self._engine()
        self._process()
        self._alerts()
        self._kept()
        self._channels()
        self._store()
        self._actions()

    def _ingest(self) -> None:
        r = self.registry
        self.frames = Counter("margind_frames", "Frames received.", ["venue", "stream"], registry=r)
        self.frames_ignored = Counter(
            "margind_frames_ignored", "Known frames that are not needed.", ["venue", "kind"], registry=r
        )
        self.frames_bad = Counter(
            "margind_frames_bad",
            "Frames that the venue's shapes do not allow.",
            ["venue", "reason"],
            registry=r,
        )
        self.prices_rejected = Counter(
            "margind_price_rejected", "Prices that no venue can mean.", ["reason"], registry=r
        )
        self.reconnects = Counter(
            "margind_reconnects", "Streams opened again.", ["venue", "stream", "reason"], registry=r
        )
        self.connect_attempts = Counter(
            "margind_connect_attempts", "Connections tried.", ["venue"], registry=r
        )
        self.feed_stale = Counter(
            "margind_feed_stale", "Streams found silent.", ["venue", "stream", "reason"], registry=r
        )
        self.rate_limited = Counter("margind_rate_limited", "Answers 429 or 418.", ["venue"], registry=r)
        self.auth_failures = Counter("margind_auth_failures", "Keys refused.", ["venue"], registry=r)
        self.snapshots = Counter(
            "margind_snapshots", "Account snapshots asked for.", ["venue", "result"], registry=r
        )
        self.clock_offset = Gauge(
            "margind_clock_offset_seconds", "The venue's clock less ours.", ["venue"], registry=r
        )
        self.decode_seconds = Histogram(
            "margind_decode_seconds",
            "Time to decode one frame, of every sixteenth.",
            ["venue"],
            registry=r,
            buckets=(1e-6, 5e-6, 2e-5, 1e-4, 5e-4, 2e-3, 1e-2),
        )

    def _engine(self) -> None:
        r = self.registry
        self.inbox_depth = Gauge("margind_inbox_depth", "Events waiting for the next turn.", registry=r)
        self.inbox_conflated = Counter(
            "margind_conflated", "Marks replaced by a newer one before a turn.", registry=r
        )
        self.inbox_overflows = Counter(
            "margind_inbox_overflows", "Inbox full: the account got a gap and a snapshot.", registry=r
        )
        self.out_of_order = Counter(
            "margind_out_of_order", "Events older than what was applied.", ["kind"], registry=r
        )
        self.snapshots_rejected = Counter(
            "margind_snapshot_rejected", "Snapshots not applied.", ["reason"], registry=r
        )
        self.turn_seconds = Histogram(
            "margind_turn_seconds", "Time of one turn.", registry=r, buckets=LATENCY_BUCKETS
        )
        self.sweep_seconds = Histogram(
            "margind_sweep_seconds",
            "Time to assess what was touched, bands and ages included.",
            registry=r,
            buckets=LATENCY_BUCKETS,
        )
        self.frame_to_assessment = Histogram(
            "margind_frame_to_assessment_seconds",
            "Oldest frame of a turn to its assessment.",
            registry=r,
            buckets=LATENCY_BUCKETS,
        )
        self.frame_to_send = Histogram(
            "margind_frame_to_send_seconds",
            "Frame received to first send attempt of its alert.",
            registry=r,
            buckets=LATENCY_BUCKETS,
        )
        self.last_evaluation = Gauge(
            "margind_last_evaluation_timestamp_seconds", "Wall time of the newest turn.", registry=r
        )

    def _process(self) -> None:
        r = self.registry
        self.recorded = Counter("margind_recorded", "Lines written to a recording.", registry=r)
        self.record_dropped = Counter(
            "margind_record_dropped", "Lines that a recording has no room for.", registry=r
        )
        self.history_dropped = Counter(
            "margind_history_dropped", "Evaluations and decisions without room in the history.", registry=r
        )
        self.history_errors = Counter(
            "margind_history_errors", "Writes of the history that failed: what they held is lost.", registry=r
        )
        self.history_bytes = Gauge("margind_history_bytes", "Size of the history on the disk.", registry=r)
        self.loop_lag = Gauge(
            "margind_loop_lag_seconds", "How late the event loop is, seen from a thread.", registry=r
        )
        self.loop_stalls = Counter(
            "margind_loop_stalls", "Times that the event loop stood still for over 2 s.", registry=r
        )
        self.task_restarts = Counter(
            "margind_task_restarts", "Supervised tasks that crashed and came back.", ["task"], registry=r
        )

        self.reload_ok = Gauge(
            "margind_config_last_reload_successful",
            "1 when the config in force is the file's newest; 0 when SIGHUP found one that is refused.",
            registry=r,
        )

    def _alerts(self) -> None:
        r = self.registry
        self.notify = Counter("margind_notify", "Send attempts.", ["receiver", "result"], registry=r)
        self.notify_digested = Counter(
            "margind_notify_digested", "Notifications that left in a digest.", ["receiver"], registry=r
        )
        self.canary_seconds = Gauge(
            "margind_canary_seconds", "Round trip of the last test of a receiver.", ["receiver"], registry=r
        )
        self.canary_success = Gauge(
            "margind_canary_last_success_seconds",
            "When a receiver took its last test, in seconds of the epoch.",
            ["receiver"],
            registry=r,
        )
        self.notify_over_budget = Gauge(
            "margind_notify_over_budget",
            "1 while a receiver has had its messages of the hour and gets digests only.",
            ["receiver"],
            registry=r,
        )
        self.notify_oldest_pending = Gauge(
            "margind_notify_oldest_pending_seconds", "Age of the oldest undelivered message.", registry=r
        )
        self.notify_pending = Gauge("margind_notify_pending", "Messages not yet confirmed.", registry=r)
        self.incidents_open = Gauge("margind_incidents_open", "Open incidents.", ["condition"], registry=r)
        self.heartbeat = Counter("margind_heartbeat", "Signs of life.", ["result"], registry=r)
        self.heartbeat_last_success = Gauge(
            "margind_heartbeat_last_success_seconds", "When the watcher outside took one last.", registry=r
        )

    def _kept(self) -> None:
        r = self.registry
        self.silences = Gauge("margind_silences", "Silences that last.", registry=r)
        self.incidents_acknowledged = Gauge(
            "margind_incidents_acknowledged", "Open incidents that somebody has.", registry=r
        )
        self.mirrored = Counter(
            "margind_mirrored",
            "What receivers with incidents of their own were told without a page.",
            ["receiver", "what", "result"],
            registry=r,
        )
        self.ledger_backlog = Gauge("margind_ledger_backlog", "Records waiting for the disk.", registry=r)
        self.ledger_commit_seconds = Histogram(
            "margind_ledger_commit_seconds", "Time of one group commit.", registry=r, buckets=LATENCY_BUCKETS
        )
        self.ledger_errors = Counter(
            "margind_ledger_errors", "Ledger writes that failed: durability lost.", registry=r
        )

    def _channels(self) -> None:
        r = self.registry
        self.render_fallback = Counter(
            "margind_render_fallback",
            "Messages that went out plainer: their picture or form failed.",
            ["receiver", "what"],
            registry=r,
        )
        self.answered = Counter(
            "margind_answered", "What people asked of us from a chat.", ["receiver", "result"], registry=r
        )

    def _store(self) -> None:
        r = self.registry
        self.store_up = Gauge("margind_store_up", "1 while Redis answers.", registry=r)
        self.store_errors = Counter(
            "margind_store_errors", "Redis commands that failed.", ["kind"], registry=r
        )
        self.commands = Counter(
            "margind_commands",
            "Commands that came through Redis: done, refused, forged, stale, replayed, malformed.",
            ["result"],
            registry=r,
        )
        self.store_flush_seconds = Histogram(
            "margind_store_latency_seconds", "Time of one flush.", registry=r, buckets=LATENCY_BUCKETS
        )
        self.store_backlog = Gauge(
            "margind_store_backlog", "Pools whose state Redis does not have yet.", registry=r
        )
        self.store_rewrites = Counter("margind_store_resync", "Full rewrites.", registry=r)
        self.store_restarts = Counter(
            "margind_store_restarts", "Times that the embedded store died and was started again.", registry=r
        )

    def _actions(self) -> None:
        r = self.registry
        self.actions = Counter(
            "margind_action", "Requests to cut positions, and what became of them.", ["result"], registry=r
        )
        self.actions_refused = Counter(
            "margind_action_refused", "Requests that a guard refused.", ["why"], registry=r
        )
        self.action_armed = Gauge("margind_action_armed", "1 while somebody has armed it.", registry=r)
        self.action_killed = Gauge("margind_action_killed", "1 while the kill switch is thrown.", registry=r)
        self.audit_records = Gauge("margind_audit_records", "Records in the audit log.", registry=r)
        self.audit_head = Gauge(
            "margind_audit_head", "The first 13 hexadecimal digits of its newest mark, a number.", registry=r
        )
