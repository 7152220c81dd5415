"""The smallest scale at which everything is measured."""

from dataclasses import replace

from rockqueue_bench.scale import QUICK

TINY = replace(
    QUICK.lasting(0.3),
    spawns=1,
    shape_seconds=0.1,
    seed_jobs=100,
    seed_repeats=1,
    backlogs=(500, 1000),
    queues=(70,),
    workers=(100,),
    delayed_jobs=1000,
    histories=(500, 2000),
    groups=(1, 300),
    group_jobs=500,
    schedules=(1, 20),
)
