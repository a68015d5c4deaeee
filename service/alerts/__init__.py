"""Alerts out: to Alertmanager and to webhooks, each incident once, whatever restarts or answers 500 in between.

What is to be sent follows from the committed incidents and a small outbox, written in the same transaction as they
are (`outbox`). Each receiver has a thread of its own (`courier`), so a slow one delays neither detection nor another.
"""

from service.alerts.alerting import Alerting

__all__ = ["Alerting"]
