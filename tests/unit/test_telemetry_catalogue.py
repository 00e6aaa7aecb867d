"""The catalogue: one declaration per fact, bounded labels, and a page and a README that agree with it."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamgate import telemetry as t
from streamgate.adapters.prometheus import PrometheusTelemetry
from streamgate.errors import Code, Status
from tests.fakes.telemetry import KNOWN, ONE_OF_EACH

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SCHEMAS = ROOT / "schemas"
UNITS = ("_total", "_seconds", "_records", "_requests", "_tokens", "_money", "_available", "_batches", "_files")


def page(telemetry: PrometheusTelemetry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of the rendered page."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(telemetry.render().decode())
        for sample in family.samples
    }


def emitted(*facts: t.Fact) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The page after these facts, at a standing clock."""
    telemetry = PrometheusTelemetry(KNOWN, monotonic=lambda: 100.0)
    for fact in facts:
        telemetry.emit(fact)
    return page(telemetry)


def test_every_fact_is_declared_once_and_has_a_sample() -> None:
    """A new fact cannot be forgotten in the catalogue, nor in these tests."""
    declared = {kind.__name__: kind for kind in t.Fact.__subclasses__()}  # slots make two classes of one name; the later is real
    facts = {getattr(sys.modules[kind.__module__], name) for name, kind in declared.items()}
    assert set(t.CATALOGUE) == facts
    assert Counter(type(fact) for fact in ONE_OF_EACH) == Counter(facts)


def test_every_metric_is_changed_by_some_fact() -> None:
    """Nothing is declared that nobody counts."""
    changed = {update.metric.name for fact in ONE_OF_EACH for update in t.CATALOGUE[type(fact)].updates(fact)}
    assert changed == {metric.name for metric in t.METRICS}


def test_names_have_the_prefix_and_a_unit() -> None:
    """Names are unique; counters end in _total, and only these; histograms have ascending buckets."""
    assert len({metric.name for metric in t.METRICS}) == len(t.METRICS)
    for metric in t.METRICS:
        assert metric.name.startswith("streamgate_")
        assert metric.name.endswith(UNITS)
        assert metric.name.endswith("_total") == (metric.kind is t.Kind.COUNTER)
        assert bool(metric.buckets) == (metric.kind is t.Kind.HISTOGRAM)
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")


def test_the_page_holds_the_catalogue_and_nothing_else() -> None:
    """After one of each fact, every metric is on the page with its kind and its help, with no series besides."""
    telemetry = PrometheusTelemetry(KNOWN)
    for fact in ONE_OF_EACH:
        telemetry.emit(fact)
    families = {family.name: family for family in text_string_to_metric_families(telemetry.render().decode())}
    assert set(families) == {metric.name.removesuffix("_total") for metric in t.METRICS}
    for metric in t.METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == ("gauge" if metric.kind is t.Kind.AGE else metric.kind)
        assert family.documentation == metric.help
        assert family.samples
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)
            assert not sample.name.endswith("_created")
            assert t.OTHER not in sample.labels.values()


def test_each_update_reaches_the_page() -> None:
    """The values on the page are those of the declarations."""
    samples = emitted(*ONE_OF_EACH)
    for fact in ONE_OF_EACH:
        for update in t.CATALOGUE[type(fact)].updates(fact):
            labels = tuple(sorted(zip(map(str, update.metric.labels), map(str, update.labels), strict=True)))
            suffix = "_sum" if update.metric.kind is t.Kind.HISTOGRAM else ""
            assert samples[update.metric.name + suffix, labels] == update.value


def test_an_unknown_label_value_becomes_other() -> None:
    """A model, purpose or type that nobody declared makes no new series, so a sender cannot fill the memory."""
    samples = emitted(
        *(t.CallFinished(f"model-{number}", Code.OK, 1.0) for number in range(5)),
        *(t.PromptAccepted(f"purpose-{number}", {f"TYPE_{number}": 1}, 0, 0.0) for number in range(5)),
    )
    assert samples["streamgate_calls_total", (("code", "ok"), ("model", "other"))] == 5
    assert samples["streamgate_accepted_prompts_total", (("purpose", "other"),)] == 5
    assert samples["streamgate_entities_total", (("entity", "other"),)] == 5


def test_label_values_of_the_schemas_are_known() -> None:
    """Decisions and rights are the enums of the consents and subject-requests schemas."""
    for topic, field, label in (("consents", "decision", t.Label.DECISION), ("subject-requests", "kind", t.Label.RIGHT)):
        schema = json.loads((SCHEMAS / topic / "v1.avsc").read_text())
        (symbols,) = [one["type"]["symbols"] for one in schema["fields"] if one["name"] == field]
        assert KNOWN.values(label) == set(symbols)


def test_commit_age_grows_between_commits() -> None:
    """The gauge is worked out when the page is asked for."""
    now = [100.0]
    telemetry = PrometheusTelemetry(KNOWN, monotonic=lambda: now[0])
    place = ("streamgate_commit_age_seconds", (("topic", "prompts"),))
    assert place not in page(telemetry)
    telemetry.emit(t.Committed("prompts", 0, 0.0))
    now[0] = 107.5
    assert page(telemetry)[place] == 7.5
    telemetry.emit(t.Committed("prompts", 0, 7.5))
    assert page(telemetry)[place] == 0.0


def test_emit_never_raises() -> None:
    """A counter that would go down stays, a clock that went back observes zero, an undeclared fact changes nothing."""

    @dataclasses.dataclass(frozen=True, slots=True)
    class Undeclared:
        pass

    samples = emitted(t.TokensRestored(-1, 0, 0), t.RecordRead("prompts", -3.0), Undeclared())  # type: ignore[arg-type]  # the point
    assert samples["streamgate_restored_tokens_total", ()] == 0
    assert samples["streamgate_queue_age_seconds_sum", (("topic", "prompts"),)] == 0


def test_two_exporters_do_not_share_a_registry() -> None:
    """Several workers in one process each have their page."""
    one, other = PrometheusTelemetry(KNOWN), PrometheusTelemetry(KNOWN)
    one.emit(t.LateCompletion())
    assert page(one)["streamgate_late_completions_total", ()] == 1
    assert page(other)["streamgate_late_completions_total", ()] == 0


def test_call_buckets_fit_model_calls() -> None:
    """From a tenth of a second to two minutes."""
    (metric,) = [metric for metric in t.METRICS if metric.name == "streamgate_call_seconds"]
    assert (metric.buckets[0], metric.buckets[-1]) == (0.1, 120.0)


def test_log_lines_are_quiet_in_normal_operation() -> None:
    """Per record DEBUG, lifecycle INFO, trouble WARNING and above; event names are unique; fields are the fact's own."""
    loud = {type(fact): t.CATALOGUE[type(fact)].line(fact).level for fact in ONE_OF_EACH}
    assert {kind: level for kind, level in loud.items() if level != "debug"} == {
        t.DeadLettered: "warning",
        t.WorkerFailed: "error",
        t.CallRepeated: "warning",
        t.BatchLineDropped: "warning",
        t.BatchStepFailed: "warning",
        t.SubjectRightExercised: "info",
        t.LetterHandled: "info",
        t.StageFailed: "error",
        t.PartUnavailable: "warning",
        t.WorkerState: "info",
        t.WorkersShare: "info",
    }
    back = t.PartUnavailable("detector", available=True)
    assert t.CATALOGUE[t.PartUnavailable].line(back).level == "info"
    assert len({declaration.event for declaration in t.CATALOGUE.values()}) == len(t.CATALOGUE)
    for kind, declaration in t.CATALOGUE.items():
        assert set(declaration.fields) == {field.name for field in dataclasses.fields(kind)}


def test_combined_gives_each_fact_to_every_part() -> None:
    """In their order."""
    one, other = PrometheusTelemetry(KNOWN), PrometheusTelemetry(KNOWN)
    t.Combined(one, other).emit(t.PromptFinished(Status.FAILED, Code.PROVIDER_FAILED, 2.0))
    place = ("streamgate_prompts_total", (("code", "provider_failed"), ("status", "failed")))
    assert page(one)[place] == page(other)[place] == 1


def test_the_table_stands_between_the_markers() -> None:
    """Filling in is repeatable, and a text without markers stays as it is."""
    filled = t.with_metrics_table("a\n<!-- metrics:begin -->\nold\n<!-- metrics:end -->\nb\n")
    assert filled == f"a\n<!-- metrics:begin -->\n{t.metrics_table()}<!-- metrics:end -->\nb\n"
    assert t.with_metrics_table(filled) == filled
    assert t.with_metrics_table("no markers") == "no markers"
    assert all(f"`{metric.name}`" in filled for metric in t.METRICS)


def test_the_readme_shows_the_catalogue() -> None:
    """Where README.md has the markers, what stands between them is the table."""
    if not README.exists() or "<!-- metrics:begin -->" not in README.read_text():
        pytest.skip("README.md has no table of metrics yet")
    assert t.with_metrics_table(README.read_text()) == README.read_text()
