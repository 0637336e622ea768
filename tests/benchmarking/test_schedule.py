"""What is measured next, in all forms: with pretended processes and a pretended clock, in milliseconds."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.benchmarking.schedule import (
    ENDING_S,
    PAIR_TURNS,
    TURN_S,
    Lost,
    Member,
    Schedule,
    interval_width,
)
from zoo.benchmarking.stats import summarise
from zoo.benchmarking.timing import Policy, Turn, TurnLength
from zoo.record.measures import TurnRecord

GB = 10**9
QUICK = settings(max_examples=200, deadline=None)


class Start(NamedTuple):
    members: tuple[Member, ...]


class WarmUp(NamedTuple):
    member: Member


class Sample(NamedTuple):
    member: Member
    length: TurnLength


class End(NamedTuple):
    member: Member


@dataclass
class Asked:
    """In place of `zoo.benchmarking.plan.Options`: as many sets as the test says, and a policy that no time changes."""

    policy: Policy = field(default_factory=Policy)
    sets: int = 1
    most_processes: int = 30
    target_width: float | None = None
    max_time_s: float | None = None

    def least_processes(self, sides: int) -> int:
        return self.sets


@dataclass
class World:
    """Pretended processes: each takes time, memory, and may end when it should not.

    Attributes:
        call_s: how long one call takes; a turn begins with one that is not counted.
        lost_at: by a process's number, what ends it: "start", "warm", the number of a turn, or "end".
        settles: whether such an end settles the scenario.
    """

    call_s: float = 0.01
    start_s: float = 3.0
    warm_s: float = 0.5
    end_s: float = 1.0
    scoring_s: float = 0.0
    memory: int = 64 * GB
    resident: int = GB
    lost_at: dict[int, str | int] = field(default_factory=dict)
    settles: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.now = 0.0
        self.random = random.Random(self.seed)
        self.alive: set[Member] = set()
        self.done: list[Start | WarmUp | Sample | End] = []
        self.finished: list[Member] = []
        self.dropped: list[Member] = []
        self.lost: list[Member] = []
        self.turns: dict[Member, list[Turn]] = {}
        self.most_alive = 0
        self.sampled_until: list[float] = []

    def measure(self, sides: int = 1, width: Callable[..., float] = interval_width, **asked: Any) -> World:
        """Carry out what a schedule decides; it has to come to an end."""
        Schedule(
            sides,
            Asked(**asked),
            self,
            clock=lambda: self.now,
            available_bytes=lambda: self.memory - len(self.alive) * self.resident,
            shuffled=lambda members: self.random.sample(members, len(members)),
            at_a_time=2,
            width=width,
        ).carry_out()
        return self

    def note(self, done: Start | WarmUp | Sample | End) -> None:
        self.done.append(done)
        assert len(self.done) < 200_000, "it goes on for ever"

    def start(self, members: Sequence[Member]) -> Mapping[Member, int | Lost]:
        self.note(Start(tuple(members)))
        self.now += self.start_s
        self.alive |= set(members)
        self.turns |= {member: [] for member in members}
        self.most_alive = max(self.most_alive, len(self.alive))
        assert len(self.alive) * self.resident <= max(self.memory, self.resident * len({m.side for m in self.alive}))
        return {member: self.end_of(member, "start") or self.resident for member in members}

    def warm_up(self, member: Member) -> Lost | None:
        assert member in self.alive, "it has ended"
        self.note(WarmUp(member))
        self.now += self.warm_s
        return self.end_of(member, "warm")

    def end(self, member: Member) -> float | Lost:
        assert member in self.alive, "it has ended"
        self.note(End(member))
        self.now += self.end_s
        if lost := self.end_of(member, "end"):
            return lost
        self.alive.remove(member)
        self.finished.append(member)
        scoring_s = self.scoring_s if member.number == 0 else 0.0
        self.now += scoring_s
        return scoring_s

    def drop(self, member: Member) -> None:
        self.alive.discard(member)
        if member in self.finished:
            self.finished.remove(member)
        self.dropped.append(member)

    def sample(self, member: Member, length: TurnLength) -> Turn | Lost:
        assert member in self.alive, "it has ended"
        self.note(Sample(member, length))
        self.now += self.call_s
        start, samples = self.now, []
        while True:
            self.now += self.call_s
            noise = math.exp(self.random.gauss(0, 0.02))
            samples.append(self.call_s * noise)
            spent = self.now - start
            if spent >= length.most_s or (len(samples) >= length.least_rounds and spent >= length.least_s):
                break
        self.sampled_until.append(self.now)
        if lost := self.end_of(member, len(self.turns[member])):
            return lost
        turn = Turn(start, spent, tuple(samples))
        self.turns[member].append(turn)
        return turn

    def end_of(self, member: Member, moment: str | int) -> Lost | None:
        if self.lost_at.get(member.number) != moment:
            return None
        self.alive.remove(member)
        self.lost.append(member)
        return Lost(self.settles)

    @property
    def counts(self) -> list[int]:
        return [len(turns) for turns in self.turns.values()]

    def sampled_s(self, member: Member) -> float:
        return sum(turn.seconds for turn in self.turns[member])

    def members(self, kind: type) -> list[Member]:
        return [decision.member for decision in self.done if isinstance(decision, kind)]


def test_one_process_has_one_turn_as_long_as_the_policy_says() -> None:
    world = World().measure()
    member = Member(0, 0, 0)
    length = TurnLength(least_s=2.0, least_rounds=64, most_s=10.0)
    assert world.done == [Start((member,)), WarmUp(member), Sample(member, length), End(member)]


def test_careful_processes_are_alive_at_once_and_take_short_turns_in_random_order() -> None:
    world = World().measure(sets=5)
    assert [len(d.members) for d in world.done if isinstance(d, Start)] == [1, 2, 2]
    assert world.most_alive == 5
    assert len(set(world.counts)) == 1
    assert {d.length for d in world.done if isinstance(d, Sample)} == {TurnLength(least_s=TURN_S)}
    assert all(2.0 <= world.sampled_s(member) < 2.3 for member in world.finished)
    orders = [tuple(world.members(Sample)[i : i + 5]) for i in range(0, len(world.members(Sample)), 5)]
    assert all(len(set(order)) == 5 for order in orders)
    assert len(set(orders)) > 1
    assert len(world.finished) == 5


def test_processes_that_are_slow_sample_to_the_least_count_or_the_most_time() -> None:
    assert all(sum(t.rounds for t in turns) >= 64 for turns in World(call_s=0.1).measure(sets=2).turns.values())
    slow = World(call_s=1.0).measure(sets=2)
    assert slow.counts == [10, 10]


@pytest.mark.parametrize(("memory", "groups"), [(6, [4]), (5, [3, 1]), (4, [2, 2]), (3, [1] * 4), (1, [1] * 4)])
def test_where_memory_holds_only_some_one_group_follows_the_other(memory: int, groups: list[int]) -> None:
    world = World(memory=memory * GB).measure(sets=4)
    found, alive = [], 0
    for decision in world.done:
        if isinstance(decision, Start):
            alive += len(decision.members)
        elif isinstance(decision, End):
            if alive:
                found.append(alive)
            alive = 0
    assert found == groups
    assert len(world.finished) == 4


def test_more_processes_than_there_is_time_for_are_not_started() -> None:
    assert len(World().measure(sets=5, max_time_s=60).finished) == 5
    world = World().measure(sets=5, max_time_s=10)
    assert len(world.finished) == 1
    assert world.counts == [1]


@pytest.mark.parametrize("target", [0.01, 0.02, 0.05])
def test_processes_go_on_until_the_interval_of_the_result_is_narrow_enough(target: float) -> None:
    world = World().measure(sets=4, target_width=target)
    assert len(world.finished) == 4
    turns = list(world.turns.values())
    samples = [[sample for turn in of for sample in turn.samples_s] for of in turns]
    stats = summarise(samples, [[TurnRecord(start_s=t.start_s, rounds=t.rounds) for t in of] for of in turns])
    assert (stats.high - stats.low) / stats.median <= target
    assert (stats.high - stats.low) / stats.median == pytest.approx(interval_width(turns), rel=1e-12)


def test_an_interval_that_never_gets_narrow_ends_with_the_time() -> None:
    world = World().measure(sets=4, target_width=0.001, max_time_s=60, width=lambda _: 1.0)
    assert 55 < world.sampled_until[-1] <= 60
    world = World().measure(sets=4, target_width=0.001, width=lambda _: 1.0)
    assert 295 < world.sampled_until[-1] <= 300


def test_the_last_of_several_groups_goes_on_until_all_processes_together_are_narrow_enough() -> None:
    seen: list[int] = []

    def width(processes: Sequence[Sequence[Turn]]) -> float:
        seen.append(len(processes))
        return 0.1 if len(seen) < 20 else 0.01

    world = World(memory=4 * GB).measure(sets=4, target_width=0.02, width=width)
    assert len(world.finished) == 4
    assert set(seen) == {4}
    assert min(world.counts[2:]) > max(world.counts[:2])


def test_looking_at_the_interval_takes_little_of_the_time() -> None:
    world = World()
    looking_s = 0.0

    def width(_: object) -> float:
        nonlocal looking_s
        world.now += 0.5
        looking_s += 0.5
        return 1.0

    world.measure(sets=4, target_width=0.01, max_time_s=100, width=width)
    assert 0 < looking_s < 6


def test_pairs_take_64_turns_each_one_pair_after_the_other() -> None:
    world = World().measure(2, sets=3)
    assert [[m.side for m in d.members] for d in world.done if isinstance(d, Start)] == [[0, 1]] * 3
    assert world.most_alive == 2
    assert world.counts == [PAIR_TURNS] * 6
    assert {d.length for d in world.done if isinstance(d, Sample)} == {TurnLength(least_s=2.0 / PAIR_TURNS)}
    assert [m.set for m in world.finished] == [0, 0, 1, 1, 2, 2]
    first = Counter(m.side for m in world.members(Sample)[::2])
    assert abs(first[0] - first[1]) < 50


def test_slow_pairs_end_with_the_time() -> None:
    """64 turns of each would take 256 s, and five pairs 20 minutes."""
    world = World(call_s=1.0).measure(2, sets=5, max_time_s=60)
    assert world.now <= 60
    assert len(world.finished) >= 4
    for number in range(max(m.set for m in world.finished) + 1):
        first, second = (len(world.turns[m]) for m in world.finished if m.set == number)
        assert first == second >= 1


def test_a_pair_is_measured_even_where_starting_it_takes_all_the_time() -> None:
    world = World(start_s=30).measure(2, sets=5, max_time_s=10, policy=Policy().within(5))
    assert len(world.finished) == 2
    assert all(world.sampled_s(member) >= 1.2 for member in world.finished)
    assert world.now < 40


def test_pairs_go_on_until_both_intervals_are_narrow_or_there_are_too_many() -> None:
    for most in (7, 30):
        assert (
            len(World().measure(2, sets=4, most_processes=most, target_width=0.02, width=lambda _: 1.0).finished)
            == 2 * most
        )
    narrow = World().measure(2, sets=4, target_width=0.02, width=lambda of: 0.01 if len(of) >= 6 else 0.1)
    assert len(narrow.finished) == 12


def test_scoring_comes_on_top_of_the_time() -> None:
    fast, slow = (World(scoring_s=s).measure(2, sets=5, max_time_s=100) for s in (0.0, 60.0))
    assert len(slow.finished) == len(fast.finished) == 10


@pytest.mark.parametrize("moment", ["warm", 0, 3, "end"])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_of_five_processes_four_are_kept_when_one_is_lost(moment: str | int, number: int) -> None:
    world = World(lost_at={number: moment}).measure(sets=5)
    assert [m.number for m in world.finished] == [n for n in range(5) if n != number]
    kept = [len(world.turns[m]) for m in world.finished]
    assert len(set(kept)) == 1
    assert kept[0] >= 8


def test_the_first_process_is_not_followed_by_others_where_it_is_lost_at_once() -> None:
    for moment in ("start", "warm"):
        world = World(lost_at={0: moment}).measure(sets=5)
        assert world.finished == []
        assert len(world.turns) == 1


def test_the_first_process_may_be_lost_at_the_end() -> None:
    assert len(World(lost_at={0: "end"}).measure(sets=5).finished) == 4
    one_by_one = World(lost_at={0: "end"}, memory=GB).measure(sets=3)
    assert [m.number for m in one_by_one.finished] == [1, 2]


def test_where_all_are_lost_it_ends() -> None:
    for moment in (5, "end"):
        world = World(lost_at=dict.fromkeys(range(5), moment)).measure(sets=5)
        assert world.finished == []
        assert len(world.lost) == 5


def test_one_that_is_left_alone_does_not_wait_for_an_interval_that_cannot_come() -> None:
    world = World(lost_at=dict.fromkeys(range(1, 4), 2)).measure(sets=4, target_width=0.02)
    assert len(world.finished) == 1
    assert world.now < 30


@pytest.mark.parametrize("moment", ["start", "warm", 0, 40, "end"])
@pytest.mark.parametrize("number", [2, 3])
def test_the_partner_of_a_lost_process_is_dropped_and_other_pairs_are_kept(moment: str | int, number: int) -> None:
    world = World(lost_at={number: moment}).measure(2, sets=3)
    assert sorted(m.number for m in world.finished) == [0, 1, 4, 5]
    assert [m.number for m in world.dropped] == [5 - number]
    assert world.alive == set()


def test_a_first_pair_that_is_lost_before_it_has_sampled_ends_the_comparison() -> None:
    world = World(lost_at={1: 3}).measure(2, sets=5)
    assert (world.finished, len(world.turns)) == ([], 2)
    both = World(lost_at={0: "start", 1: "start"}).measure(2, sets=5)
    assert (both.finished, len(both.lost), len(both.turns)) == ([], 2, 2)


def test_a_first_pair_that_is_lost_at_its_end_does_not() -> None:
    assert len(World(lost_at={1: "end"}).measure(2, sets=5).finished) == 8


@pytest.mark.parametrize("moment", ["start", "warm", 2, "end"])
@pytest.mark.parametrize("sides", [1, 2])
def test_an_end_that_settles_it_ends_everything(moment: str | int, sides: int) -> None:
    world = World(lost_at={0: moment}, settles=True).measure(sides, sets=3)
    assert world.finished == []
    assert len([d for d in world.done if isinstance(d, Start)]) <= 2
    assert [m.number for m in world.dropped] == [1] * (sides - 1)


MOMENTS = st.one_of(st.sampled_from(["start", "warm", "end"]), st.integers(0, 70))
WORLDS = st.builds(
    World,
    call_s=st.floats(0.002, 5),
    start_s=st.floats(0.1, 40),
    warm_s=st.floats(0, 5),
    end_s=st.floats(0, ENDING_S / 5),
    scoring_s=st.floats(0, 60),
    memory=st.integers(1, 12).map(lambda n: n * GB),
    lost_at=st.dictionaries(st.integers(0, 12), MOMENTS, max_size=4),
    seed=st.integers(0, 99),
)


@QUICK
@given(
    world=WORLDS,
    sides=st.sampled_from([1, 2, 3]),
    sets=st.integers(1, 6),
    max_time_s=st.none() | st.floats(1, 120),
    target=st.none() | st.floats(0.001, 0.3),
)
def test_it_ends_in_time_and_treats_all_alike(
    world: World, sides: int, sets: int, max_time_s: float | None, target: float | None
) -> None:
    policy = Policy() if max_time_s is None else Policy().within(max_time_s / sides)
    narrowing = np.random.default_rng(world.seed)
    world.measure(
        sides,
        policy=policy,
        sets=sets,
        max_time_s=max_time_s,
        target_width=target,
        width=lambda _: float(narrowing.random()),
    )

    # all that were started have come to an end of their own, or were dropped with a lost one
    assert world.alive == set()
    ended = [*world.finished, *world.dropped, *world.lost]
    assert set(ended) == set(world.turns)
    assert len(world.finished) + len(set(world.dropped) | set(world.lost)) == len(world.turns)
    assert len(world.turns) <= sides * (max(sets, 30) if sides > 1 and target else sets)

    # a set counts as a whole, with as many turns on each side
    by_set: dict[int, set[int]] = {}
    for member in world.finished:
        by_set.setdefault(member.set, set()).add(member.side)
        assert world.turns[member]
    assert all(found == set(range(sides)) for found in by_set.values())
    if sides > 1:
        for number in by_set:
            assert len({len(world.turns[m]) for m in world.finished if m.set == number}) == 1
    elif not world.lost and len(world.turns) > 1 and world.most_alive == len(world.turns):
        assert max(world.counts) - min(world.counts) <= 1

    # no turn begins after the time, but for those without which a process would have nothing
    if max_time_s is not None and world.sampled_until:
        longest_turn_s = 2 * world.call_s + max(TURN_S, policy.min_time_s / (PAIR_TURNS if sides > 1 else 1))
        scored_s = world.scoring_s if Member(0, 0, 0) in (*world.finished, *world.dropped) else 0.0
        sampling_s = sides * max(sets, 1) * (policy.min_time_s + PAIR_TURNS * world.call_s)
        first_s = world.start_s * (1 + sets) + sides * sets * world.warm_s
        in_time = max_time_s + scored_s + sides * longest_turn_s
        assert world.sampled_until[-1] <= max(in_time, first_s + sampling_s + scored_s + sides * longest_turn_s)


@QUICK
@given(world=WORLDS, sides=st.sampled_from([1, 2]), sets=st.integers(1, 5), max_time_s=st.floats(60, 300))
def test_where_starting_is_quick_the_time_is_kept_to_one_turn_of_each_side(
    world: World, sides: int, sets: int, max_time_s: float
) -> None:
    world.start_s = min(world.start_s, 3.0)
    world.call_s = min(world.call_s, max_time_s / 60)
    world.warm_s = min(world.warm_s, 1.0)
    world.scoring_s = 0.0
    policy = Policy().within(max_time_s / sides)
    world.measure(sides, policy=policy, sets=sets, max_time_s=max_time_s)
    turn_s = 2 * world.call_s + max(TURN_S, policy.min_time_s / PAIR_TURNS)
    ends_s = world.end_s * sides * sets
    assert world.now <= max_time_s + sides * turn_s + ends_s
