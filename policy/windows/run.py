"""Until when a window stays open whose openings join up: over whole days at once, not start by start.

A schedule that fires each minute of every second month opens 43,200 times in a row; following the openings one by one
would take seconds for one window. Called by policy.windows.window.
"""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import zoneinfo

from policy.windows.schedule import Schedule, latest_start, next_start, starts_of_day, steady_offset

LONGEST_RUN = 400
"""Days that are followed; a run that is longer is looked at anew from there."""

FURTHEST = dt.timedelta(days=41 * 366)
"""So far ahead nobody asks whether the openings go on behind it; durations reach 292 years."""

_DAY = dt.timedelta(days=1)


class Run:
    """The openings of one schedule, each for the same duration."""

    def __init__(self, schedule: Schedule, zone: zoneinfo.ZoneInfo | None, duration: dt.timedelta) -> None:
        self.schedule, self.zone, self.duration = schedule, zone, duration
        minutes = [hour * 60 + minute for hour, minute in schedule.times]
        self._minutes = minutes
        self._breaks = [
            number
            for number, (sooner, later) in enumerate(itertools.pairwise(minutes))
            if dt.timedelta(minutes=later - sooner) > duration
        ]
        """Numbers of the starts of a day after which the window closes before the next start of that day."""

    def end(self, now: dt.datetime) -> dt.datetime:
        """Return when the window closes that is open at `now`; when it is open for very long, an instant before that.

        Args:
            now: aware, UTC.
        """
        start = latest_start(self.schedule, now, self.zone, self.duration)
        if start is None:
            return now
        for _ in range(LONGEST_RUN):
            last, joined = self._last_of_day(start)
            end = last + self.duration
            if end - now > FURTHEST:
                return end
            following = next_start(self.schedule, last, self.zone, self.duration) if joined else None
            if following is None or following > end:
                return end
            start = following
        return start + self.duration

    def _last_of_day(self, start: dt.datetime) -> tuple[dt.datetime, bool]:
        """Return the last start of the same local day up to which the openings join, and whether that day has no more.

        Where the clock is changed nearby, each start is looked at.
        """
        local = start.astimezone(self.zone) if self.zone else start
        offset = steady_offset(local.date(), self.zone)
        if offset is None:
            return self._followed(start, local.date())
        midnight = dt.datetime(local.year, local.month, local.day, tzinfo=dt.UTC) - offset
        number = bisect.bisect_left(self._minutes, (start - midnight) // dt.timedelta(minutes=1))
        found = bisect.bisect_left(self._breaks, number)
        if found < len(self._breaks):
            return midnight + dt.timedelta(minutes=self._minutes[self._breaks[found]]), False
        return midnight + dt.timedelta(minutes=self._minutes[-1]), True

    def _followed(self, start: dt.datetime, day: dt.date) -> tuple[dt.datetime, bool]:
        days = (day - _DAY, day, day + _DAY)
        around: set[dt.datetime] = set()
        for each in days:
            if each.month in self.schedule.months and self.schedule.on(each):
                around.update(starts_of_day(self.schedule.times, each, self.zone))
        for following in sorted(found for found in around if found > start):
            if following > start + self.duration:
                return start, False
            start = following
        return start, True
