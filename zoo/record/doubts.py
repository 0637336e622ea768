"""The codes of doubts about a measurement, and their meanings."""

from __future__ import annotations

from collections.abc import Mapping

DOUBTS: Mapping[str, str] = {
    "unsteady": "warming up never reached a steady state",
    "few_samples": "fewer samples than a 90th percentile takes",
    "imprecise": "the interval is wider than `--precision` asked for",
    "deviation": "the standard deviation is over 10 % of the mean",
    "busy": "other processes used the processor meanwhile",
    "stolen": "a hypervisor gave the processor to other guests",
    "throttled": "the processor was throttled for heat",
    "quota": "a control group's quota of processor time held the process back",
    "loaded": "others kept the machine busy before the start",
    "accelerator_throttled": "something held the board's clocks back; the message names it",
    "accelerator_busy": "other processes were on the board, before the first call or meanwhile",
    "above_peak": "faster than `zoo peak` found this machine to be: it was slower then, or the runtime multiplies less "
    "often than is counted, as Winograd's convolutions do",
    "classes_reordered": "the dataset numbers its classes in another order than the weights; they were matched by name",
    "images_damaged": "files that can't be decoded were left out of the score, as `--skip-damaged` asks",
    "macs_not_whole": "`macs` leaves out the layers that the message names",
    "process_lost": "some processes ended too early and don't count; the message says how many, and why",
}
