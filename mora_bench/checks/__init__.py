"""The rules that implementations of each contract must keep; messages say in plain words which one is broken."""
