"""What happens, as Prometheus metrics. Labels are models, personas, doors and codes, never users."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from server.core.happenings import Happening, Kind
from server.core.ports import Happened

_FAULTS = {one.value for one in Happening if one.kind is Kind.FAULT}

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class PrometheusObserver:
    """Counts in a registry of its own, so that several servers can live in one process."""

    def __init__(self, *, running: Callable[[], int], sockets: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        to = self._registry
        turn = ("model", "persona", "door")
        self._started = Counter("parley_turns_started", "Turns accepted.", turn, registry=to)
        self._ended = Counter("parley_turns_ended", "Turns ended, by status.", (*turn, "status"), registry=to)
        self._adopted = Counter("parley_turns_adopted", "Turns taken over from a lost owner.", turn, registry=to)
        self._took = Histogram(
            "parley_turn_seconds", "From accepted to ended.", ("model",), buckets=SECONDS, registry=to
        )
        self._first = Histogram(
            "parley_first_token_seconds", "From accepted to the first text.", ("model",), buckets=SECONDS, registry=to
        )
        self._tokens = Counter("parley_tokens", "Tokens of turns that ended.", (*turn, "kind"), registry=to)
        self._refused = Counter("parley_refused", "Calls that were not served, by code.", ("code",), registry=to)
        limit = Gauge("parley_concurrency_limit", "Answers at once that demand leaves.", ("model",), registry=to)
        cap = Gauge("parley_published_cap", "Per cent of the base cap.", ("rule", "tier"), registry=to)
        policy = Gauge("parley_policy_revision", "The revision of the policy that an operator let hold.", registry=to)
        self._standing: dict[Happening, Callable[[dict[str, str]], Gauge]] = {
            Happening.LIMIT: lambda labels: limit.labels(labels["model"]),
            Happening.CAP_PUBLISHED: lambda labels: cap.labels(labels["rule"], labels["tier"]),
            Happening.POLICY_LIVE: lambda _: policy,
        }
        self._faults = Counter("parley_faults", "Faults, by what failed.", ("what",), registry=to)
        self._reloaded = Counter(
            "parley_personas_reloaded", "Files that changed and answer.", ("persona",), registry=to
        )
        self._shared = Counter("parley_caps_shared", "Times that the ledger of the caps was back.", registry=to)
        Gauge("parley_turns_running", "Turns being answered.", registry=to).set_function(running)
        Gauge("parley_sockets_open", "WebSockets open.", registry=to).set_function(sockets)

    def saw(self, happened: Happened) -> None:
        """Count it."""
        labels = dict(happened.labels)
        match happened.name:
            case Happening.TURN_STARTED | Happening.TURN_ADOPTED as name:
                counter = self._started if name is Happening.TURN_STARTED else self._adopted
                counter.labels(**labels).inc()
            case Happening.TURN_ENDED:
                self._ended.labels(**labels).inc()
                self._took.labels(model=labels["model"]).observe(happened.value)
            case Happening.FIRST_TOKEN:
                self._first.labels(model=labels["model"]).observe(happened.value)
            case Happening.INPUT_TOKENS | Happening.OUTPUT_TOKENS:
                self._tokens.labels(**labels, kind=happened.name.removesuffix("_tokens")).inc(happened.value)
            case Happening.REFUSED:
                self._refused.labels(code=labels["code"]).inc()
            case name if name in self._standing:
                self._standing[name](labels).set(happened.value)
            case Happening.PERSONA_RELOADED:
                self._reloaded.labels(persona=labels["persona"]).inc()
            case Happening.CAPS_SHARED:
                self._shared.inc()
            case name if name in _FAULTS:
                self._faults.labels(what=name).inc()
            case _:
                pass

    def metrics(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self._registry)
