"""What runs jobs: the port (`base`) and its adapters."""
