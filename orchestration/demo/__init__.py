"""Demo data: a believable Brazilian dealership group, written as a delivery of the source contract.

Belongs here: inventing people, vehicles and the lives of agendas, and writing them as files. Does
not: reading a delivery, or any rule of the product; a demo is input like any other.
"""

from orchestration.demo.delivery_files import DemoError, DemoNotWritten
from orchestration.demo.generate import write_demo

__all__ = ["DemoError", "DemoNotWritten", "write_demo"]
