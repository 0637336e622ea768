"""The record of a measurement."""
