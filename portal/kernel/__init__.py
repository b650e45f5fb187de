"""What every app stands on: money, time, errors, states, registries. Imports no app."""
