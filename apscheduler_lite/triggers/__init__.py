"""Triggers: rules that yield fire times. They know no job and no scheduler, and asking one changes nothing."""
