"""Races, journeys, drills and planted faults behind the suites."""
