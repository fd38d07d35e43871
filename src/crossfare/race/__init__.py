"""Spend the least to decide: a race of methods, of which each next try is the one that is worth its price."""

from __future__ import annotations

from crossfare.race.course import Course, Event, course_tables
from crossfare.race.field import Manner
from crossfare.race.racing import Raced, race

__all__ = ["Course", "Event", "Manner", "Raced", "course_tables", "race"]
