"""Writes demo data of a Brazilian dealership group as a delivery of the source contract.

A demo is input like any other: it contains no rule of the product.
"""

from orchestration.demo.delivery_files import DemoError, DemoNotWritten
from orchestration.demo.generate import write_demo

__all__ = ["DemoError", "DemoNotWritten", "write_demo"]
