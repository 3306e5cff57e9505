"""Calibration: plants faults in front of a target, and reports which of them the suite catches."""
