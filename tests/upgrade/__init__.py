"""State made by released versions, and what becomes of it under this one."""
