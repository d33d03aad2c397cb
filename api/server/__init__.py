"""Server: an address that is listened on, processes that answer there, and a clean end."""

from api.server.addresses import listen, refuse_busy_port
from api.server.exporter import Exporter
from api.server.ledger import Ledger, Page
from api.server.process import AnsweringServer, Deadlines
from api.server.supervisor import Supervisor, Workforce

__all__ = [
    "AnsweringServer",
    "Deadlines",
    "Exporter",
    "Ledger",
    "Page",
    "Supervisor",
    "Workforce",
    "listen",
    "refuse_busy_port",
]
