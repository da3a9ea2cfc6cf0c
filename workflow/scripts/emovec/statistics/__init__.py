"""Estimators, nulls, intervals and corrections: arrays in, arrays out."""
