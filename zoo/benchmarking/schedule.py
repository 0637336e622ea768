"""What to measure next: which process is started, has a turn, or ends. What does that to processes is passed in.

A *set* is one process of each side: one process where a scenario is measured alone, a pair where two are compared.
Processes that are alive at once are a *group*. Alone, all sets of a scenario make one group as far as memory goes; of
several sides, each set is a group by itself.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from zoo.benchmarking.stats import LEAST_TURNS, relative_width
from zoo.benchmarking.timing import Turn, TurnLength

if TYPE_CHECKING:
    from zoo.benchmarking.plan import Options

# A long turn leaves the caches to a process for longer; short ones let what the machine does meet a pair more alike.
TURN_S = 0.25
PAIR_TURNS = 64
ENDING_S = 1.5  # what a process takes when it has sampled: copies, and to end
WIDTH_TIME_S = 300.0  # for processes to go on until the interval is as narrow as asked for, where no time is given
LOOKING_SHARE = 0.05  # of the time, at most, may go into looking how narrow the interval is


@dataclass(frozen=True, slots=True)
class Member:
    """A process, by its number among all; `side` and `set` are the numbers of its side and its set."""

    number: int
    side: int
    set: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A process has ended without returning.

    Attributes:
        settles: whether nothing more need be measured: the scenario has failed, whatever other processes say.
    """

    settles: bool = False


class Hands(Protocol):
    """Carries out what a schedule decides. Each method waits until it is done, or until the process is lost."""

    def start(self, members: Sequence[Member]) -> Mapping[Member, int | Lost]:
        """Start processes at the same time; when each is ready to warm up, its resident size in bytes."""

    def warm_up(self, member: Member) -> Lost | None:
        """Have a process warm up."""

    def sample(self, member: Member, length: TurnLength) -> Turn | Lost:
        """Give a process a turn."""

    def end(self, member: Member) -> float | Lost:
        """Let a process finish; how many seconds it scored the model, which come on top of the time limit."""

    def drop(self, member: Member) -> None:
        """End a process at once, or forget what it has returned: another process of its set was lost."""


Width = Callable[[Sequence[Sequence[Turn]]], float]


def interval_width(processes: Sequence[Sequence[Turn]]) -> float:
    """How wide the interval of a Result of these processes will be, as a share of the median."""
    return relative_width([[sample for turn in turns for sample in turn.samples_s] for turns in processes], processes)


class _Settled(Exception):  # noqa: N818 - it is no error
    """Nothing more need be measured."""


class Schedule:
    """Decides, step by step, given how the steps before went.

    What counts in the end is the members that finished and were not dropped.

    :param sides: how many scenarios are measured side by side.
    :param options: how many sets to measure, how long each process samples, and when there has been enough.
    :param hands: what carries the steps out.
    :param clock: monotonic, in seconds.
    :param available_bytes: how much memory is free now.
    :param shuffled: members in random order.
    :param at_a_time: how many may start at the same time, where a set is one process.
    :param width: how wide the interval of a side is, as a share of the median, by the turns of each of its processes.
    """

    def __init__(
        self,
        sides: int,
        options: Options,
        hands: Hands,
        *,
        clock: Callable[[], float],
        available_bytes: Callable[[], int],
        shuffled: Callable[[Sequence[Member]], Sequence[Member]],
        at_a_time: int = 1,
        width: Width = interval_width,
    ) -> None:
        self.sides, self.options, self.policy, self.hands = sides, options, options.policy, hands
        self.clock, self.available_bytes, self.shuffled = clock, available_bytes, shuffled
        self.at_a_time, self.width = at_a_time, width
        self.limit_s = options.max_time_s or (WIDTH_TIME_S if options.target_width and sides == 1 else math.inf)
        self.begun, self.scoring_s = clock(), 0.0
        self.next_look_s = -math.inf
        self.wanted_sets, self.started_sets, self.started = options.least_processes(sides), 0, 0
        self.start_s = self.longest_group_s = 0.0
        self.resident_bytes = 0
        self.alive: list[Member] = []
        self.finished: list[Member] = []
        self.turns: dict[Member, list[Turn]] = {}
        self.lost_early = False

    def carry_out(self) -> None:
        """Do everything that is to be done, in its order."""
        with contextlib.suppress(_Settled):
            while self._another_group():
                begun_s = self._spent_s()
                self._measure_group(begun_s)
                self.longest_group_s = max(self.longest_group_s, self._spent_s() - begun_s)

    def _spent_s(self) -> float:
        """How long it has taken so far, without scoring."""
        return self.clock() - self.begun - self.scoring_s

    # Groups

    def _another_group(self) -> bool:
        """Whether more processes are to be started when none is alive."""
        if self.started_sets == 0:
            return True
        if self.lost_early and not self.finished:
            return False  # it would only fail again
        if not self._missing() and not self._too_wide():
            return False
        needed_s = self.longest_group_s if self.sides > 1 else self._needed_s(1)
        return self._spent_s() + needed_s <= self.limit_s

    def _missing(self) -> int:
        """How many sets have not been started."""
        return max(0, self.wanted_sets - self.started_sets)

    def _too_wide(self) -> bool:
        """Whether further sets are to make an interval narrower. Alone, the processes that are alive go on instead."""
        target = self.options.target_width
        if target is None or self.sides == 1 or self.started_sets >= self.options.most_processes:
            return False
        return any(self._width(side) > target for side in range(self.sides))

    def _needed_s(self, count: int) -> float:
        """How long it takes to start more processes of a scenario, and to measure so many."""
        return self.start_s + self.policy.min_time_s * count

    def _measure_group(self, begun_s: float) -> None:
        """Start processes, give them turns, and let them finish."""
        self._start(1)
        self.start_s = max(self.start_s, self._spent_s() - begun_s)
        if self.sides == 1:
            self._start_more()
            self._take_turns_alone(self._deadline_s())
        else:
            self._take_turns_in_sets(self._deadline_s())
        self._finish()

    def _start_more(self) -> None:
        """Start as many more as memory holds, if there is time for all."""
        while self.alive and (missing := self._missing()) > 0:
            if self._spent_s() + self._needed_s(len(self.alive) + missing) > self.limit_s:
                self.wanted_sets = self.started_sets
                return
            # there must be room for one more than are started: they may still grow
            room = math.ceil(self.available_bytes() / max(1, self.resident_bytes)) - 2
            if room < 1:
                return
            self._start(min(missing, self.at_a_time, room))

    def _start(self, sets: int) -> None:
        """Start sets at the same time, and warm up one process after the other."""
        members = []
        for _ in range(sets):
            for side in range(self.sides):
                members.append(Member(self.started, side, self.started_sets))
                self.started += 1
            self.started_sets += 1
        self.alive += members
        self.turns |= {member: [] for member in members}
        for member, state in self.hands.start(tuple(members)).items():
            if isinstance(state, Lost):
                self._lose(member, state)
            else:
                self.resident_bytes = max(self.resident_bytes, state)
        for member in self.shuffled(members) if self.sides > 1 else members:
            if member in self.alive and (lost := self.hands.warm_up(member)):
                self._lose(member, lost)

    def _finish(self) -> None:
        """Let those that are alive finish."""
        while self.alive:
            member = self.alive[0]
            answer = self.hands.end(member)
            if isinstance(answer, Lost):
                self._lose(member, answer, early=False)
            else:
                self.alive.remove(member)
                self.finished.append(member)
                self.scoring_s += answer

    def _lose(self, member: Member, lost: Lost, *, early: bool = True) -> None:
        """A process has ended: its set is no longer whole.

        :param early: it ended before it had had all of its turns.
        """
        self.lost_early |= early
        for other in [other for other in (*self.finished, *self.alive) if other.set == member.set]:
            (self.alive if other in self.alive else self.finished).remove(other)
            if other != member:
                self.hands.drop(other)
        if lost.settles:
            raise _Settled

    # Turns

    def _deadline_s(self) -> float:
        """When the group that is alive will have had its share of the time."""
        groups = self._missing() + 1 if self.sides > 1 else 1
        spent_s = self._spent_s()
        return spent_s + max(0.0, self.limit_s - ENDING_S - spent_s) / groups

    def _take_turns_alone(self, deadline_s: float) -> None:
        """Turns for the processes of one scenario, cycle by cycle."""
        in_turn = len(self.alive) > 1 or self.options.target_width is not None
        length = TurnLength(least_s=TURN_S) if in_turn else self.policy.one_turn(deadline_s - self._spent_s())
        while self.alive and not self._enough(deadline_s):
            for member in self.shuffled(self.alive):
                if self._all_have_turns() and self._spent_s() >= deadline_s:
                    return
                self._sample(member, length)

    def _enough(self, deadline_s: float) -> bool:
        """Whether the processes of one scenario have sampled enough."""
        if not self._all_have_turns():
            return False
        if self._spent_s() >= deadline_s:
            return True
        if not all(self._satisfied(member) for member in self.alive):
            return False
        if self.options.target_width is None or self._missing():  # the last group makes the interval narrow
            return True
        if self.lost_early and len(self.finished) + len(self.alive) < 2:
            return True  # no time will show how processes differ
        return self._looked_width() <= self.options.target_width

    def _all_have_turns(self) -> bool:
        return all(self.turns[member] for member in self.alive)

    def _satisfied(self, member: Member) -> bool:
        """Whether a process has sampled as much as the policy asks for."""
        sampled_s, rounds = self._sampled_s(member), sum(turn.rounds for turn in self.turns[member])
        if sampled_s >= self.policy.max_time_s:
            return True
        return sampled_s >= self.policy.min_time_s and rounds >= self.policy.min_rounds

    def _take_turns_in_sets(self, deadline_s: float) -> None:
        """As many turns for each process of a set: if time is short, at least those that the least time takes."""
        length = TurnLength(least_s=self.policy.min_time_s / PAIR_TURNS)
        longest_s = 0.0
        for _ in range(PAIR_TURNS):
            begun_s = self._spent_s()
            sampled = all(self._sampled_s(member) >= self.policy.min_time_s for member in self.alive)
            if not self.alive or (sampled and begun_s + longest_s > deadline_s):
                return
            for member in self.shuffled(self.alive):
                if member in self.alive:  # the other one may have been lost, and this one dropped
                    self._sample(member, length)
            longest_s = max(longest_s, self._spent_s() - begun_s)

    def _sample(self, member: Member, length: TurnLength) -> None:
        answer = self.hands.sample(member, length)
        if isinstance(answer, Lost):
            self._lose(member, answer)
        else:
            self.turns[member].append(answer)

    def _sampled_s(self, member: Member) -> float:
        return sum(turn.seconds for turn in self.turns[member])

    # The interval

    def _looked_width(self) -> float:
        """How wide the interval of the only side is; infinite if it can't be told, or was looked at just now."""
        counts = [len(self.turns[member]) for member in (*self.finished, *self.alive)]
        before_s = self._spent_s()
        if len(counts) < 2 or min(counts) < LEAST_TURNS or before_s < self.next_look_s:
            return math.inf
        found = self._width(0)
        now_s = self._spent_s()
        self.next_look_s = now_s + (now_s - before_s) / LOOKING_SHARE
        return found

    def _width(self, side: int) -> float:
        """How wide the interval of a side is: that of its Result, of the same samples."""
        members = [member for member in (*self.finished, *self.alive) if member.side == side]
        return self.width([self.turns[member] for member in members]) if len(members) > 1 else math.inf
